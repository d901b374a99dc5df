variable "changed" {
  type    = bool
  default = false
}

resource "proxmox_virtual_environment_role" "r" {
  role_id    = "homelab"
  privileges = var.changed ? ["VM.Audit", "VM.Console"] : ["VM.Audit", "VM.Allocate"]
}
resource "proxmox_virtual_environment_group" "g" {
  group_id = "ops"
  comment  = var.changed ? "Administrators" : "Operators"
}
resource "proxmox_virtual_environment_user" "u" {
  user_id  = "terraform@pve"
  comment  = var.changed ? "robot" : "automation"
  groups   = [proxmox_virtual_environment_group.g.group_id]
  password = "secret-secret"
}
resource "proxmox_user_token" "t" {
  user_id               = proxmox_virtual_environment_user.u.user_id
  token_name            = "iac"
  comment               = var.changed ? "a token" : "token"
  privileges_separation = true
}
resource "proxmox_acl" "a" {
  path    = "/vms"
  role_id = proxmox_virtual_environment_role.r.role_id
  user_id = proxmox_virtual_environment_user.u.user_id
}
resource "proxmox_acl" "b" {
  path      = "/"
  role_id   = "PVEAuditor"
  token_id  = proxmox_user_token.t.id
  propagate = true
}
resource "proxmox_acl" "c" {
  path     = "/pool/x"
  role_id  = "PVEPoolAdmin"
  group_id = proxmox_virtual_environment_group.g.group_id
}
resource "proxmox_storage_directory" "d" {
  id      = "backups"
  path    = "/mnt/backups"
  nodes   = ["pve"]
  content = ["backup"]
  backups {
    keep_daily = var.changed ? 5 : 7
  }
}
resource "proxmox_storage_nfs" "n" {
  id      = "nas"
  server  = "10.0.0.10"
  export  = "/exports/proxmox"
  content = ["images", "iso", "backup"]
  options = var.changed ? "vers=4.1" : "vers=4.2"
}
resource "proxmox_storage_lvmthin" "l" {
  id           = "thin2"
  nodes        = ["pve"]
  volume_group = "vg0"
  thin_pool    = "data"
  content      = ["images"]
}
resource "proxmox_storage_zfspool" "z" {
  id             = "zpool"
  zfs_pool       = "rpool/data"
  content        = ["images", "rootdir"]
  thin_provision = true
}
resource "proxmox_storage_pbs" "p" {
  id          = "pbs"
  server      = "pbs.example.local"
  datastore   = "backup"
  username    = "u@pbs"
  password    = "pbs-password"
  fingerprint = "AA:BB:CC:DD:EE:FF:AA:BB:CC:DD:EE:FF:AA:BB:CC:DD:EE:FF:AA:BB:CC:DD:EE:FF:AA:BB:CC:DD:EE:FF:AA:BB"
  content     = ["backup"]
}
resource "proxmox_backup_job" "j" {
  id             = "nightly"
  schedule       = var.changed ? "*-*-* 03:00" : "*-*-* 02:00"
  storage        = proxmox_storage_directory.d.id
  all            = true
  mode           = "snapshot"
  compress       = "zstd"
  prune_backups  = { keep-last = "3", keep-weekly = "2" }
  notes_template = "{{guestname}}"
}
resource "proxmox_network_linux_vlan" "v" {
  node_name = "pve"
  name      = "eno1.99"
  comment   = var.changed ? "VLAN of the lab" : "VLAN 99"
}
resource "proxmox_network_linux_bridge" "br" {
  node_name  = "pve"
  name       = "vmbr99"
  address    = "10.99.0.1/24"
  comment    = var.changed ? "laboratory" : "lab"
  ports      = [proxmox_network_linux_vlan.v.name]
  vlan_aware = true
}
resource "proxmox_virtual_environment_dns" "dns" {
  node_name = "pve"
  domain    = "home.arpa"
  servers   = var.changed ? ["9.9.9.9"] : ["1.1.1.1", "9.9.9.9"]
}
resource "proxmox_virtual_environment_time" "t" {
  node_name = "pve"
  time_zone = var.changed ? "Europe/Vienna" : "Europe/Berlin"
}
resource "proxmox_virtual_environment_hosts" "h" {
  node_name = "pve"
  entry {
    address   = "127.0.0.1"
    hostnames = ["localhost"]
  }
  entry {
    address   = "192.168.3.2"
    hostnames = var.changed ? ["nas"] : ["nas", "nas.home.arpa"]
  }
}
resource "proxmox_cluster_options" "o" {
  language       = "en"
  keyboard       = var.changed ? "pl" : "de"
  email_from     = "pve@home.arpa"
  max_workers    = 5
  migration_type = "secure"
  migration_cidr = "10.0.0.0/8"
  next_id = {
    lower = 100
    upper = 999999
  }
}
resource "proxmox_node_config" "n" {
  node_name   = "pve"
  description = var.changed ? "Managed by Terraform" : "Managed"
}
resource "proxmox_metrics_server" "m" {
  name   = "influx"
  server = "192.168.3.2"
  port   = var.changed ? 8090 : 8089
  type   = "influxdb"
}
resource "proxmox_hardware_mapping_pci" "pci" {
  name    = "gpu"
  comment = var.changed ? "graphics" : "card"
  map     = [{ node = "pve", id = "10de:1eb8", path = "0000:01:00.0", iommu_group = 1 }]
}
resource "proxmox_hardware_mapping_usb" "usb" {
  name = "stick"
  map  = [{ node = "pve", id = "8087:0a2b" }]
}
resource "proxmox_hardware_mapping_dir" "dir" {
  name = "share"
  map  = [{ node = "pve", path = "/mnt/share" }]
}
resource "proxmox_sdn_zone_simple" "z" {
  id         = "lab"
  depends_on = [proxmox_sdn_applier.finalizer]
}
resource "proxmox_sdn_vnet" "v" {
  id         = "labnet"
  zone       = proxmox_sdn_zone_simple.z.id
  alias      = var.changed ? "laboratory" : "lab"
  depends_on = [proxmox_sdn_applier.finalizer]
}
resource "proxmox_sdn_subnet" "s" {
  cidr       = "10.10.0.0/24"
  vnet       = proxmox_sdn_vnet.v.id
  gateway    = "10.10.0.1"
  snat       = true
  depends_on = [proxmox_sdn_applier.finalizer]
}
resource "proxmox_sdn_applier" "apply" {
  depends_on = [proxmox_sdn_subnet.s]
  lifecycle { replace_triggered_by = [proxmox_sdn_zone_simple.z, proxmox_sdn_vnet.v, proxmox_sdn_subnet.s] }
}
resource "proxmox_sdn_applier" "finalizer" {}
