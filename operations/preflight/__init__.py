"""What has to be right before a deployment begins."""
