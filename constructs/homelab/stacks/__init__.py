"""Terraform stacks: one state each. They only wire what is decided to the constructs."""
