"""One file a family of policies; `base` says what a policy is."""
