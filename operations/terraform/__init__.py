"""Terraform as a program: what it is asked, what it says while it works, and the stacks it works in."""
