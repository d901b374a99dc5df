"""From what Terraform, providers and scripts say to a cause and what to do; `diagnosis` asks the rules."""
