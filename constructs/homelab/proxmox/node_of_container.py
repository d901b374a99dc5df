"""Containers stay where they are: the provider can't migrate them, and would make them anew on another node."""

from cdktf import Postcondition

from homelab.config.container import ContainerSpec


def stays_on_its_node(key: str, spec: ContainerSpec) -> list[Postcondition] | None:
    """A condition that fails the plan where the environment asks for another node than the container's.

    It goes with ``ignore_changes`` of ``node_name``, without which Terraform would plan to destroy the container and
    its data. None with HA, where Proxmox decides, also with HA that an adopted container has without the environment.
    """
    if spec.ha is not None or (spec.adopted is not None and "node_name" in spec.adopted.ignore):
        return None
    return [
        Postcondition(
            condition=f'${{self.node_name == "{spec.node}"}}',
            error_message=f"Container {key} ({spec.vm_id}) is on node ${{self.node_name}}, and the environment says "
            f"{spec.node}. Terraform can't move containers: run `homelab migrate {key}`, or write where it is.",
        )
    ]
