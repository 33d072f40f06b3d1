"""Where membership and desired state outlive the process."""
