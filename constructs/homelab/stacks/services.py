"""A service of the catalogue: its template and its instances."""

from __future__ import annotations

from cdktf import DataResource, TerraformOutput, TerraformResource
from constructs import Construct

from homelab.config.container import ContainerSpec
from homelab.config.resolution import ResolvedEnvironment
from homelab.config.service_containers import (
    enabled_services,
    instance_key,
    stack_name,
    template_disk,
    template_key,
    template_os,
)
from homelab.provisioning.guest_script import GuestScript, NodeScript
from homelab.proxmox.address import address_of
from homelab.proxmox.container import Container
from homelab.proxmox.template_container import TemplateContainer
from homelab.services import scripts
from homelab.services.settings import CommunityScript
from homelab.stacks import outputs
from homelab.stacks.environment_stack import EnvironmentStack


def service_stacks(scope: Construct, resolved: ResolvedEnvironment) -> dict[str, ServiceStack]:
    """The stacks of the environment's services by the name of their group of containers."""
    names = resolved.environment.services
    stacks = {name: ServiceStack(scope, name=name, resolved=resolved) for name in names}
    for stack in stacks.values():
        for earlier in dict.fromkeys((*stack.enabled.service.after, *stack.enabled.settings.needs())):
            if earlier in stacks:
                stack.add_dependency(stacks[earlier])
    return {stack_name(name): stack for name, stack in stacks.items()}


class ServiceStack(EnvironmentStack):
    """Defines ``<environment>-service-<name>``: the template of a service, and the instances that are cloned from it.

    One stack, so that no service waits for another one's template and a failure stops no other service. Replicas are
    configured after the primary.

    Outputs: ``service``, ``url`` where it has a web page, ``lxc_containers_created``, ``lxc_summary``, ``lxc_ids``,
    ``infrastructure_summary``, ``proxmox_configuration``.
    """

    def __init__(self, scope: Construct, *, name: str, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, stack_name(name), environment=resolved.environment)
        self.resolved = resolved
        self.enabled = enabled_services(resolved.environment)[name]
        template = resolved.containers[template_key(name)]
        script = self.enabled.settings.template.script
        built = self._community_template(template, script) if script else self._template(template)
        self._instances(built)
        self._outputs()

    def _template(self, spec: ContainerSpec) -> TerraformResource:
        install = scripts.install_script(self.enabled, self.resolved.pinned[self.enabled.service.name])
        convert = scripts.convert_script(spec)
        key = template_key(self.enabled.service.name)
        # Where a container came from is ignored once it is there, so another operating system has to be said here.
        made_of = {"os": template_os(self.enabled), "scripts": scripts.version_of(install, convert)}
        version = DataResource(self, "template-version", triggers_replace=made_of)
        container = TemplateContainer(self, key, spec=spec, version=version)
        environment = self.resolved.environment
        installed = GuestScript(self, "install", guest=container, environment=environment, script=install)
        return NodeScript(
            self,
            "convert",
            node=spec.node,
            environment=environment,
            script=convert,
            triggers={"guest": container.id},
            after=[installed],
        )

    def _community_template(self, spec: ContainerSpec, script: CommunityScript) -> TerraformResource:
        environment = self.resolved.environment
        build = scripts.community_script(spec, script, environment.defaults.image_datastore)
        convert = scripts.convert_script(spec)
        built = NodeScript(self, "build", node=spec.node, environment=environment, script=build)
        return NodeScript(
            self,
            "convert",
            node=spec.node,
            environment=environment,
            script=convert,
            triggers={"build": built.id},
        )

    def _instances(self, template: TerraformResource) -> None:
        name, environment = self.enabled.service.name, self.resolved.environment
        before: list[TerraformResource] = []
        for instance in self.enabled.instances:
            key = instance_key(name, instance.index)
            spec = self.resolved.containers[key]
            container = Container(self, key, spec=spec)
            container.depends_on = [address_of(template)]
            grown: list[TerraformResource] = []
            if spec.disk > template_disk(self.enabled):
                grow = scripts.grow_script(spec)
                grown.append(
                    NodeScript(
                        self,
                        f"grow-{instance.index}",
                        node=spec.node,
                        environment=environment,
                        script=grow,
                        triggers={"guest": container.id},
                    )
                )
            configured = GuestScript(
                self,
                f"configure-{instance.index}",
                guest=container,
                environment=environment,
                script=scripts.configure_script(environment, name, instance),
                after=[*grown, *before],
            )
            if instance.index == 0:
                before.append(configured)

    def _outputs(self) -> None:
        name, enabled = self.enabled.service.name, self.enabled
        keys = [instance_key(name, instance.index) for instance in enabled.instances]
        TerraformOutput(
            self,
            "service",
            value={
                "name": name,
                "url": enabled.url or outputs.NULL,
                "ports": {port.name: f"{port.number}/{port.protocol}" for port in enabled.service.ports},
                "addresses": {instance.hostname: str(instance.address) for instance in enabled.instances},
            },
            description="Where the service is.",
        )
        if enabled.url:
            TerraformOutput(self, "url", value=enabled.url, description="Its web page.")
        outputs.declare_containers(
            self,
            {key: (self.resolved.containers[key], f"proxmox_virtual_environment_container.{key}") for key in keys},
        )
        outputs.declare_summary(self, self.resolved.environment, containers=len(keys))
