"""The environment model: what one environment file says, checked, resolved and without any Terraform in it."""
