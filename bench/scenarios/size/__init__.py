"""What a control plane costs and bears as its fleet grows."""
