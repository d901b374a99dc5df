"""A Proxmox VE homelab as code: one typed description becomes Terraform that a Proxmox node accepts."""
