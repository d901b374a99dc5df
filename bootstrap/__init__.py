"""Sets up an Infisical server over its HTTP API: `python -m bootstrap --help`.

The package stands alone: it needs the URL of an Infisical server and nothing else of the project, and it imports no
construct. What it makes is saved as `*.auto.tfvars` files that Terraform reads by itself.
"""
