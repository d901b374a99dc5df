"""What applying is measured against: one HCL root module with ``for_each`` over a child module, in one state."""

from pathlib import Path

from benchmarks.thousand_guests import address

_CHILD = """
terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox", version = "0.111.1" }
  }
}

variable "vm_id" { type = number }
variable "hostname" { type = string }
variable "address" { type = string }

resource "proxmox_virtual_environment_container" "this" {
  node_name      = "pve"
  vm_id          = var.vm_id
  tags           = ["big"]
  start_on_boot  = true
  started        = true
  unprivileged   = true
  timeout_create = 1800
  timeout_delete = 300
  operating_system {
    template_file_id = "local:vztmpl/big.tar.zst"
    type             = "debian"
  }
  cpu {
    cores = 1
  }
  memory {
    dedicated = 512
    swap      = 512
  }
  disk {
    datastore_id = "local-lvm"
    size         = 8
  }
  features {
    nesting = true
  }
  network_interface {
    name   = "eth0"
    bridge = "vmbr0"
  }
  initialization {
    hostname = var.hostname
    ip_config {
      ipv4 {
        address = var.address
        gateway = "10.0.0.1"
      }
    }
  }
}
"""

_ROOT = """
terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox", version = "0.111.1" }
  }
}

provider "proxmox" {}

variable "containers" {
  type = map(object({ vm_id = number, address = string }))
}

module "container" {
  for_each = var.containers
  source   = "./container"
  vm_id    = each.value.vm_id
  hostname = each.key
  address  = each.value.address
}
"""


def write(folder: Path, guests: int) -> None:
    """Write the module with ``guests`` containers to ``folder``."""
    (folder / "container").mkdir(parents=True)
    (folder / "container" / "main.tf").write_text(_CHILD)
    (folder / "main.tf").write_text(_ROOT)
    containers = "\n".join(
        f'  "ct-{index}" = {{ vm_id = {20_000 + index}, address = "{address(32, index)}/16" }}'
        for index in range(guests)
    )
    (folder / "terraform.tfvars").write_text(f"containers = {{\n{containers}\n}}\n")
