"""What synthesis is measured against: the same resources written straight with the bindings, one loop and no model.

Run as ``python -m benchmarks.bare_program GUESTS OUTDIR``.
"""

import sys

from cdktf import (
    App,
    IResolvable,
    LocalBackend,
    TerraformResource,
    TerraformResourceLifecycle,
    TerraformStack,
    Token,
)

from benchmarks.thousand_guests import FIREWALL_EVERY, GUESTS_PER_GROUP, address
from imports.proxmox import virtual_environment_container as ct
from imports.proxmox import virtual_environment_vm as vm
from imports.proxmox.provider import ProxmoxProvider, ProxmoxProviderSsh
from imports.proxmox.virtual_environment_firewall_options import VirtualEnvironmentFirewallOptions
from imports.proxmox.virtual_environment_firewall_rules import (
    VirtualEnvironmentFirewallRules,
    VirtualEnvironmentFirewallRulesRule,
)

PREFIX = 16


def main(guests: int, outdir: str) -> None:
    """Write the stacks of ``guests`` guests to ``outdir``."""
    app = App(outdir=outdir)
    null = Token.null_value()
    machines = guests // 2
    for start in range(0, machines, GUESTS_PER_GROUP):
        stack = _stack(app, f"vms-{start // GUESTS_PER_GROUP}")
        for index in range(start, min(start + GUESTS_PER_GROUP, machines)):
            _machine(stack, index, null)
    for start in range(0, guests - machines, GUESTS_PER_GROUP):
        stack = _stack(app, f"containers-{start // GUESTS_PER_GROUP}")
        for index in range(start, min(start + GUESTS_PER_GROUP, guests - machines)):
            _container(stack, index)
    app.synth()


def _stack(app: App, name: str) -> TerraformStack:
    stack = TerraformStack(app, name)
    LocalBackend(stack, path=f"{name}.tfstate")
    ProxmoxProvider(stack, "proxmox", endpoint="https://pve.example:8006", ssh=ProxmoxProviderSsh(username="root"))
    return stack


def _machine(stack: TerraformStack, index: int, null: IResolvable) -> None:
    name = f"vm-{index}"
    resource = vm.VirtualEnvironmentVm(
        stack,
        name,
        node_name="pve",
        vm_id=10_000 + index,
        name=name,
        tags=["big"],
        on_boot=True,
        started=True,
        protection=False,
        migrate=True,
        stop_on_destroy=True,
        timeout_shutdown_vm=300,
        delete_unreferenced_disks_on_destroy=False,
        bios="seabios",
        machine="q35",
        scsi_hardware="virtio-scsi-single",
        clone=vm.VirtualEnvironmentVmClone(vm_id=9000, full=True, datastore_id="local-lvm", retries=3),
        cpu=vm.VirtualEnvironmentVmCpu(cores=2, sockets=1, type="x86-64-v2-AES"),
        memory=vm.VirtualEnvironmentVmMemory(dedicated=2048, floating=1024),
        operating_system=vm.VirtualEnvironmentVmOperatingSystem(type="l26"),
        agent=vm.VirtualEnvironmentVmAgent(enabled=False, timeout="15m"),
        disk=[
            vm.VirtualEnvironmentVmDisk(
                interface="scsi0",
                datastore_id="local-lvm",
                size=20,
                cache="none",
                discard="on",
                ssd=True,
                iothread=True,
            )
        ],
        serial_device=[vm.VirtualEnvironmentVmSerialDevice()],
        initialization=vm.VirtualEnvironmentVmInitialization(
            datastore_id="local-lvm",
            interface="ide2",
            vendor_data_file_id="local:snippets/big-debian-12-vendor-data.yaml",
            ip_config=[
                vm.VirtualEnvironmentVmInitializationIpConfig(
                    ipv4=vm.VirtualEnvironmentVmInitializationIpConfigIpv4(
                        address=f"{address(PREFIX, index)}/16", gateway="10.0.0.1"
                    )
                )
            ],
            user_account=vm.VirtualEnvironmentVmInitializationUserAccount(username="debian"),
        ),
        lifecycle=TerraformResourceLifecycle(ignore_changes=["clone", "pool_id", "initialization"]),
    )
    resource.add_override(
        "network_device",
        [
            {
                "bridge": "vmbr0",
                "disconnected": False,
                "enabled": null,
                "firewall": index % FIREWALL_EVERY == 0,
                "mac_address": null,
                "model": "virtio",
                "mtu": null,
                "queues": null,
                "rate_limit": null,
                "trunks": null,
                "vlan_id": null,
            }
        ],
    )
    if index % FIREWALL_EVERY == 0:
        _firewall(stack, f"{name}-firewall", resource, vm_id=10_000 + index)


def _container(stack: TerraformStack, index: int) -> None:
    name = f"ct-{index}"
    resource = ct.VirtualEnvironmentContainer(
        stack,
        name,
        node_name="pve",
        vm_id=20_000 + index,
        tags=["big"],
        start_on_boot=True,
        started=True,
        protection=False,
        unprivileged=True,
        timeout_create=1800,
        timeout_clone=1800,
        timeout_delete=300,
        operating_system=ct.VirtualEnvironmentContainerOperatingSystem(
            template_file_id="local:vztmpl/big-debian-12-standard_12.12-1_amd64.tar.zst", type="debian"
        ),
        cpu=ct.VirtualEnvironmentContainerCpu(cores=1),
        memory=ct.VirtualEnvironmentContainerMemory(dedicated=512, swap=512),
        disk=ct.VirtualEnvironmentContainerDisk(datastore_id="local-lvm", size=8),
        features=ct.VirtualEnvironmentContainerFeatures(nesting=True),
        network_interface=[
            ct.VirtualEnvironmentContainerNetworkInterface(
                name="eth0", bridge="vmbr0", firewall=index % FIREWALL_EVERY == 0
            )
        ],
        initialization=ct.VirtualEnvironmentContainerInitialization(
            hostname=name,
            ip_config=[
                ct.VirtualEnvironmentContainerInitializationIpConfig(
                    ipv4=ct.VirtualEnvironmentContainerInitializationIpConfigIpv4(
                        address=f"{address(PREFIX * 2, index)}/16", gateway="10.0.0.1"
                    )
                )
            ],
        ),
        lifecycle=TerraformResourceLifecycle(ignore_changes=["operating_system", "pool_id"]),
    )
    if index % FIREWALL_EVERY == 0:
        _firewall(stack, f"{name}-firewall", resource, container_id=20_000 + index)


def _firewall(
    stack: TerraformStack,
    name: str,
    guest: TerraformResource,
    *,
    vm_id: int | None = None,
    container_id: int | None = None,
) -> None:
    lifecycle = TerraformResourceLifecycle(
        replace_triggered_by=[f"{guest.terraform_resource_type}.{guest.friendly_unique_id}.id"]
    )
    VirtualEnvironmentFirewallOptions(
        stack,
        f"{name}-options",
        node_name="pve",
        vm_id=vm_id,
        container_id=container_id,
        enabled=True,
        input_policy="DROP",
        output_policy="ACCEPT",
        dhcp=True,
        ndp=True,
        radv=False,
        macfilter=True,
        ipfilter=False,
        log_level_in="nolog",
        log_level_out="nolog",
        depends_on=[guest],
        lifecycle=lifecycle,
    )
    VirtualEnvironmentFirewallRules(
        stack,
        f"{name}-rules",
        node_name="pve",
        vm_id=vm_id,
        container_id=container_id,
        rule=[
            VirtualEnvironmentFirewallRulesRule(
                type="in", action="ACCEPT", proto="tcp", dport=port, source=source, log="nolog", enabled=True
            )
            for port, source in (("22", "10.0.0.0/16"), ("443", None))
        ],
        depends_on=[guest],
        lifecycle=lifecycle,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
