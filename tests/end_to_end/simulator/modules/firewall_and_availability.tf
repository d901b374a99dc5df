variable "changed" {
  type    = bool
  default = false
}

resource "proxmox_download_file" "image" {
  content_type = "import"
  datastore_id = "local"
  node_name    = "pve"
  url          = "https://example.org/debian-12.qcow2"
}
resource "proxmox_download_file" "ct" {
  content_type = "vztmpl"
  datastore_id = "local"
  node_name    = "pve"
  url          = "http://example.org/debian-12-standard_12.7-1_amd64.tar.zst"
}
resource "proxmox_virtual_environment_cluster_firewall" "c" {
  enabled       = true
  input_policy  = "DROP"
  output_policy = "ACCEPT"
  log_ratelimit {
    enabled = true
    burst   = var.changed ? 20 : 10
    rate    = "5/second"
  }
}
resource "proxmox_virtual_environment_firewall_alias" "a" {
  name    = "lan"
  cidr    = "192.168.3.0/24"
  comment = var.changed ? "lan" : "LAN"
}
resource "proxmox_virtual_environment_firewall_ipset" "i" {
  name    = "admins"
  comment = "who may"
  cidr {
    name    = "192.168.3.10"
    comment = "desk"
  }
  cidr {
    name    = "192.168.4.0/24"
    nomatch = true
  }
}
resource "proxmox_virtual_environment_cluster_firewall_security_group" "g" {
  name    = "web"
  comment = "http"
  rule {
    type    = "in"
    action  = "ACCEPT"
    dport   = var.changed ? "8080" : "80"
    proto   = "tcp"
    comment = "one"
  }
  rule {
    type   = "in"
    action = "ACCEPT"
    macro  = "HTTPS"
    source = "lan"
    log    = "info"
  }
  depends_on = [proxmox_virtual_environment_firewall_alias.a]
}
resource "proxmox_virtual_environment_firewall_rules" "cluster" {
  rule {
    type    = "in"
    action  = "ACCEPT"
    dport   = "8006"
    proto   = "tcp"
    source  = "+admins"
    comment = var.changed ? "web interface" : "gui"
  }
  depends_on = [proxmox_virtual_environment_firewall_ipset.i]
}
resource "proxmox_node_firewall" "n" {
  node_name    = "pve"
  enabled      = true
  log_level_in = var.changed ? "alert" : "info"
}
resource "proxmox_virtual_environment_vm" "tmpl" {
  name      = "tmpl"
  node_name = "pve"
  vm_id     = 9000
  template  = true
  started   = false
  machine   = "q35"
  bios      = "ovmf"
  efi_disk {
    datastore_id = "tank"
    type         = "4m"
  }
  tpm_state {
    datastore_id = "tank"
    version      = "v2.0"
  }
  disk {
    datastore_id = "tank"
    import_from  = proxmox_download_file.image.id
    interface    = "scsi0"
    size         = 8
    discard      = "on"
    ssd          = true
    iothread     = true
  }
  scsi_hardware = "virtio-scsi-single"
  network_device { bridge = "vmbr0" }
  initialization {
    datastore_id = "tank"
    dns { servers = ["192.168.3.1"] }
  }
}
resource "proxmox_virtual_environment_vm" "linked" {
  name      = "linked"
  node_name = "pve"
  vm_id     = 9101
  migrate   = true
  machine   = "q35"
  bios      = "ovmf"
  clone {
    vm_id = proxmox_virtual_environment_vm.tmpl.vm_id
    full  = false
  }
  efi_disk {
    datastore_id = "tank"
    type         = "4m"
  }
  tpm_state {
    datastore_id = "tank"
    version      = "v2.0"
  }
  disk {
    datastore_id = "tank"
    interface    = "scsi0"
    size         = 8
    discard      = "on"
    ssd          = true
    iothread     = true
  }
  disk {
    datastore_id = "tank"
    interface    = "scsi1"
    size         = var.changed ? 6 : 4
  }
  scsi_hardware = "virtio-scsi-single"
  network_device {
    bridge      = "vmbr0"
    vlan_id     = var.changed ? 40 : 30
    mac_address = "BC:24:11:00:00:01"
    firewall    = true
  }
  network_device { bridge = "vmbr2" }
  startup {
    order    = 2
    up_delay = 10
  }
  stop_on_destroy = true
  initialization {
    datastore_id = "tank"
    ip_config {
      ipv4 {
        address = "192.168.3.60/24"
        gateway = "192.168.3.1"
      }
    }
    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }
}
resource "proxmox_virtual_environment_firewall_options" "vm" {
  node_name    = "pve"
  vm_id        = proxmox_virtual_environment_vm.linked.vm_id
  enabled      = true
  input_policy = "DROP"
  dhcp         = true
}
resource "proxmox_virtual_environment_firewall_ipset" "vm" {
  node_name = "pve"
  vm_id     = proxmox_virtual_environment_vm.linked.vm_id
  name      = var.changed ? "mine" : "own"
  cidr { name = "10.0.0.0/8" }
}
resource "proxmox_virtual_environment_firewall_rules" "vm" {
  node_name = "pve"
  vm_id     = proxmox_virtual_environment_vm.linked.vm_id
  rule {
    type   = "in"
    action = "ACCEPT"
    dport  = "22"
    proto  = "tcp"
    source = "192.168.3.0/24"
  }
  rule {
    security_group = proxmox_virtual_environment_cluster_firewall_security_group.g.name
    iface          = "net0"
  }
}
resource "proxmox_virtual_environment_container" "base" {
  node_name    = "pve"
  vm_id        = 9300
  template     = true
  started      = false
  unprivileged = true
  operating_system {
    template_file_id = proxmox_download_file.ct.id
    type             = "debian"
  }
  disk {
    datastore_id = "tank"
    size         = 4
  }
  network_interface {
    name   = "eth0"
    bridge = "vmbr0"
  }
  initialization {
    hostname = "base"
    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }
}
resource "proxmox_virtual_environment_container" "cloned" {
  node_name    = "pve"
  vm_id        = 9201
  unprivileged = true
  clone { vm_id = proxmox_virtual_environment_container.base.vm_id }
  disk {
    datastore_id = "tank"
    size         = 4
  }
  network_interface {
    name   = "eth0"
    bridge = "vmbr0"
  }
  initialization {
    hostname = var.changed ? "renamed" : "cloned"
    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }
  wait_for_ip { ipv4 = true }
}
resource "proxmox_virtual_environment_container" "map" {
  node_name    = "pve"
  vm_id        = 9202
  unprivileged = true
  tags         = ["b", "a"]
  description  = var.changed ? "with an id map" : "mapped"
  operating_system {
    template_file_id = proxmox_download_file.ct.id
    type             = "debian"
  }
  features {
    nesting = true
  }
  disk {
    datastore_id = "tank"
    size         = 4
  }
  mount_point {
    volume = "tank"
    size   = "2G"
    path   = "/srv"
    backup = true
  }
  idmap {
    type         = "uid"
    container_id = 0
    host_id      = var.changed ? 200000 : 100000
    size         = 1000
  }
  idmap {
    type         = "gid"
    container_id = 0
    host_id      = var.changed ? 200000 : 100000
    size         = 1000
  }
  network_interface {
    name     = "eth0"
    bridge   = "vmbr0"
    firewall = true
  }
  startup { order = 1 }
  initialization {
    hostname = "mapped"
    dns {
      domain  = "home.arpa"
      servers = ["192.168.3.1"]
    }
    ip_config {
      ipv4 {
        address = "192.168.3.70/24"
        gateway = "192.168.3.1"
      }
    }
  }
}
resource "proxmox_virtual_environment_firewall_rules" "ct" {
  node_name    = "pve"
  container_id = proxmox_virtual_environment_container.map.vm_id
  rule {
    type   = "in"
    action = "ACCEPT"
    macro  = var.changed ? "HTTP" : "DNS"
  }
}
resource "proxmox_virtual_environment_firewall_options" "ct" {
  node_name    = "pve"
  container_id = proxmox_virtual_environment_container.map.vm_id
  enabled      = true
  input_policy = "DROP"
}
resource "proxmox_haresource" "h" {
  resource_id = "vm:${proxmox_virtual_environment_vm.linked.vm_id}"
  state       = "started"
  comment     = "managed"
  max_restart = var.changed ? 3 : 2
}
resource "proxmox_harule" "r" {
  rule      = "prefer"
  type      = "node-affinity"
  resources = [proxmox_haresource.h.resource_id]
  nodes     = { pve = 2, pve2 = var.changed ? 3 : 1 }
  strict    = false
}
resource "proxmox_replication" "rep" {
  id       = "${proxmox_virtual_environment_container.map.vm_id}-0"
  target   = "pve2"
  type     = "local"
  schedule = var.changed ? "*/20" : "*/30"
  comment  = "x"
}
resource "proxmox_virtual_environment_pool" "p" { pool_id = "p" }
resource "proxmox_pool_membership" "m" {
  pool_id = proxmox_virtual_environment_pool.p.pool_id
  vm_id   = proxmox_virtual_environment_container.map.vm_id
}
resource "proxmox_pool_membership" "s" {
  pool_id    = proxmox_virtual_environment_pool.p.pool_id
  storage_id = "tank"
}
output "a" { value = proxmox_virtual_environment_container.cloned.ipv4 }
