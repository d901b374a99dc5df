"""Images, container templates and templates: what guests are made from."""

from constructs import Construct

from homelab.config.resolution import ResolvedEnvironment
from homelab.proxmox.adopted_template import AdoptedTemplate
from homelab.proxmox.image import Image
from homelab.proxmox.template import VmTemplate
from homelab.stacks import outputs
from homelab.stacks.environment_stack import EnvironmentStack

NAME = "templates"


def is_needed(resolved: ResolvedEnvironment) -> bool:
    """Whether the environment has anything for this stack."""
    return bool(resolved.images or resolved.templates)


class TemplatesStack(EnvironmentStack):
    """Defines ``<environment>-templates``: the images that nodes download and the templates made from them.

    Outputs: ``templates_created``, ``template_ids``, ``infrastructure_summary``, ``proxmox_configuration``.
    """

    def __init__(self, scope: Construct, *, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, NAME, environment=resolved.environment)
        for key, image in resolved.images.items():
            Image(self, f"container-template-{key}", spec=image)
        for key, template in resolved.templates.items():
            if template.image is None:
                AdoptedTemplate(self, key, spec=template)
            else:
                VmTemplate(self, key, spec=template)
        outputs.declare_templates(self, resolved.templates)
        outputs.declare_summary(self, resolved.environment, templates=len(resolved.templates))
