variable "changed" {
  type    = bool
  default = false
}

resource "proxmox_virtual_environment_file" "iso" {
  content_type = "iso"
  datastore_id = "local"
  node_name    = "pve"
  source_file { path = "${path.module}/tiny.iso" }
}
resource "proxmox_virtual_environment_file" "tmpl" {
  content_type = "vztmpl"
  datastore_id = "local"
  node_name    = "pve"
  source_file { path = "${path.module}/alpine-3.20.tar.xz" }
}
resource "proxmox_virtual_environment_file" "user" {
  content_type = "snippets"
  datastore_id = "local"
  node_name    = "pve"
  file_mode    = "0700"
  source_raw {
    data      = "#cloud-config\nhostname: x\n"
    file_name = "user.yaml"
  }
}
resource "proxmox_download_file" "img" {
  content_type = "iso"
  datastore_id = "local"
  node_name    = "pve"
  url          = "https://example.org/debian.img"
}
resource "proxmox_virtual_environment_vm" "ssh" {
  name      = "ssh"
  node_name = "pve"
  vm_id     = 9110
  started   = true
  disk {
    datastore_id = "local-lvm"
    file_id      = proxmox_download_file.img.id
    interface    = "virtio0"
    size         = 5
  }
  cdrom {
    file_id = proxmox_virtual_environment_file.iso.id
  }
  network_device { bridge = "vmbr0" }
  operating_system { type = "l26" }
  initialization {
    datastore_id      = "local-lvm"
    user_data_file_id = proxmox_virtual_environment_file.user.id
  }
  hook_script_file_id = proxmox_virtual_environment_file.user.id
  keyboard_layout     = "de"
  vga { type = "serial0" }
  serial_device {}
  rng { source = "/dev/urandom" }
  usb { host = "spice" }
  watchdog {
    enabled = true
    model   = "i6300esb"
  }
}
resource "proxmox_virtual_environment_vm" "disks" {
  name      = "disks"
  node_name = var.changed ? "pve2" : "pve"
  vm_id     = 9111
  started   = true
  migrate   = true
  on_boot   = false
  memory {
    dedicated = 1024
    floating  = 512
  }
  disk {
    datastore_id = "local-lvm"
    interface    = "scsi0"
    size         = 4
  }
  disk {
    datastore_id = var.changed ? "tank" : "local-lvm"
    interface    = "scsi1"
    size         = 2
    file_format  = "raw"
  }
  dynamic "disk" {
    for_each = var.changed ? [1] : []
    content {
      datastore_id = "tank"
      interface    = "scsi2"
      size         = 1
    }
  }
  network_device { bridge = "vmbr0" }
}
resource "proxmox_virtual_environment_container" "ct" {
  node_name    = "pve"
  vm_id        = 9210
  unprivileged = false
  operating_system {
    template_file_id = proxmox_virtual_environment_file.tmpl.id
    type             = "alpine"
  }
  features {
    nesting = true
    mount   = var.changed ? ["nfs", "cifs"] : ["nfs"]
  }
  disk {
    datastore_id = "local-lvm"
    size         = 4
  }
  mount_point {
    volume = "/mnt/media"
    path   = "/media"
  }
  device_passthrough {
    path = "/dev/dri/renderD128"
    mode = "0660"
  }
  console {
    type      = "shell"
    tty_count = 3
  }
  hook_script_file_id = proxmox_virtual_environment_file.user.id
  network_interface {
    name       = "eth0"
    bridge     = "vmbr0"
    vlan_id    = 30
    rate_limit = var.changed ? 20 : 10
    mtu        = 1400
  }
  network_interface {
    name   = "eth1"
    bridge = "vmbr2"
  }
  initialization {
    hostname = "alpine"
    ip_config {
      ipv4 {
        address = "dhcp"
      }
      ipv6 {
        address = "fd00::5/64"
      }
    }
    ip_config {
      ipv4 {
        address = "10.0.0.4/24"
      }
    }
  }
}
resource "proxmox_virtual_environment_container" "stopped" {
  node_name    = "pve"
  vm_id        = 9211
  unprivileged = true
  started      = var.changed
  operating_system {
    template_file_id = proxmox_virtual_environment_file.tmpl.id
    type             = "alpine"
  }
  disk {
    datastore_id = "local-lvm"
    size         = 4
  }
  network_interface {
    name   = "eth0"
    bridge = "vmbr0"
  }
  initialization {
    hostname = "stopped"
    ip_config {
      ipv4 {
        address = "192.168.3.71/24"
      }
    }
  }
}
resource "proxmox_cloned_vm" "c" {
  id        = 9112
  node_name = "pve"
  name      = "cloned"
  clone = {
    source_vm_id = proxmox_virtual_environment_vm.disks.vm_id
    full         = true
  }
  cpu = { cores = 2 }
  network = {
    net0 = {
      bridge = "vmbr0"
      model  = "virtio"
    }
  }
}
data "proxmox_virtual_environment_nodes" "n" {}
data "proxmox_virtual_environment_vms" "v" { depends_on = [proxmox_virtual_environment_vm.disks] }
data "proxmox_version" "v" {}
data "proxmox_datastores" "d" { node_name = "pve" }
data "proxmox_virtual_environment_node" "n" { node_name = "pve" }
output "o" { value = proxmox_virtual_environment_container.ct.ipv4 }
output "n" { value = data.proxmox_virtual_environment_nodes.n.names }
