variable "changed" {
  type    = bool
  default = false
}

resource "proxmox_download_file" "image" {
  content_type = "import"
  datastore_id = "local"
  node_name    = "pve"
  url          = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
}
resource "proxmox_download_file" "ct" {
  content_type = "vztmpl"
  datastore_id = "local"
  node_name    = "pve"
  url          = "http://download.proxmox.com/images/system/debian-12-standard_12.7-1_amd64.tar.zst"
}
resource "proxmox_virtual_environment_pool" "p" {
  pool_id = "lab"
  comment = var.changed ? "Laboratory" : "Lab"
}
resource "proxmox_virtual_environment_file" "snip" {
  content_type = "snippets"
  datastore_id = "local"
  node_name    = "pve"
  source_raw {
    data      = "#cloud-config\npackages: [qemu-guest-agent]\n"
    file_name = "vendor.yaml"
  }
}
resource "proxmox_virtual_environment_vm" "tmpl" {
  name      = "debian-12"
  node_name = "pve"
  vm_id     = 9000
  template  = true
  started   = false
  cpu {
    cores = 2
    type  = "x86-64-v2-AES"
  }
  memory { dedicated = 2048 }
  agent { enabled = true }
  disk {
    datastore_id = "local-lvm"
    import_from  = proxmox_download_file.image.id
    interface    = "scsi0"
    size         = 10
  }
  network_device {
    bridge = "vmbr0"
  }
  serial_device {}
  initialization {
    datastore_id        = "local-lvm"
    vendor_data_file_id = proxmox_virtual_environment_file.snip.id
    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }
  operating_system { type = "l26" }
}
resource "proxmox_virtual_environment_vm" "vm" {
  name        = "web"
  node_name   = "pve"
  vm_id       = 9100
  pool_id     = proxmox_virtual_environment_pool.p.pool_id
  tags        = var.changed ? ["c", "b"] : ["b", "a"]
  description = "A web server"
  clone {
    vm_id = proxmox_virtual_environment_vm.tmpl.vm_id
    full  = true
  }
  cpu {
    cores = 2
    type  = "x86-64-v2-AES"
  }
  memory { dedicated = 2048 }
  agent { enabled = true }
  disk {
    datastore_id = "local-lvm"
    interface    = "scsi0"
    size         = var.changed ? 25 : 20
  }
  network_device {
    bridge   = "vmbr0"
    firewall = true
  }
  serial_device {}
  initialization {
    datastore_id = "local-lvm"
    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
    user_account {
      username = "debian"
      keys     = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqvuwxdcAzyUDpEqgZ3uYq8cOSuUPbwtK8VbT2i0v9w operator"]
    }
  }
  operating_system { type = "l26" }
}
resource "proxmox_virtual_environment_container" "ct" {
  node_name    = "pve"
  vm_id        = 9200
  unprivileged = true
  features { nesting = true }
  operating_system {
    template_file_id = proxmox_download_file.ct.id
    type             = "debian"
  }
  disk {
    datastore_id = "local-lvm"
    size         = 8
  }
  mount_point {
    volume = "local-lvm"
    size   = "10G"
    path   = "/data"
    backup = true
  }
  cpu { cores = var.changed ? 3 : 1 }
  memory { dedicated = 512 }
  network_interface {
    name   = "eth0"
    bridge = "vmbr0"
  }
  initialization {
    hostname = "dns"
    ip_config {
      ipv4 {
        address = "192.168.3.53/24"
        gateway = "192.168.3.1"
      }
    }
    user_account { keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqvuwxdcAzyUDpEqgZ3uYq8cOSuUPbwtK8VbT2i0v9w operator"] }
  }
}
output "vm" { value = proxmox_virtual_environment_vm.vm.ipv4_addresses }
output "ct" { value = proxmox_virtual_environment_container.ct.ipv4 }
