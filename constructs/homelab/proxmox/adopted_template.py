"""Templates that were there before, made by hand or by another tool."""

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from homelab.config.virtual_machine import TemplateSpec
from imports.proxmox.virtual_environment_vm import VirtualEnvironmentVm


class AdoptedTemplate(Construct):
    """Defines a template that exists, imports it (``import`` block with ``<node>/<VMID>``) and changes nothing of it.

    Decided for you: everything about it is ignored, and Terraform refuses to destroy it, as clones may be linked to it.

    Source: ``proxmox_virtual_environment_vm``.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: TemplateSpec) -> None:
        super().__init__(scope, id_)
        self.spec = spec
        template = VirtualEnvironmentVm(
            self,
            "Default",
            node_name=spec.node,
            vm_id=spec.vm_id,
            template=True,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True, ignore_changes="all"),
        )
        template.import_from(f"{spec.node}/{spec.vm_id}")
