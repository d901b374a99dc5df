"""The scripts of a service as they run: those of its folder, and what all services have before and after."""

from __future__ import annotations

import hashlib
from typing import Any

from homelab.config.container import ContainerSpec
from homelab.config.environment import Environment
from homelab.config.expansion import expand
from homelab.config.service_containers import enabled_services
from homelab.provisioning.script import Script, render_script
from homelab.services.service import (
    EnabledService,
    InstallContext,
    Instance,
    MonitoredGuest,
    Pinned,
    ServiceContext,
    ServiceNetwork,
)
from homelab.services.settings import CommunityScript

_COMMON = "homelab.services"


def install_script(enabled: EnabledService, pinned: Pinned) -> Script:
    """What runs once in the template: the installation, and what makes the container fit to be cloned."""
    service = enabled.service
    context = InstallContext(enabled.settings, pinned.downloads, pinned.images)
    variables = {
        **service.install_variables(context),
        "service": service,
        "settings": enabled.settings,
        "downloads": pinned.downloads,
        "images": pinned.images,
    }
    install = render_script(service.package, "install.sh.j2", variables)
    return Script(name="install", text=_in_turn(install, _seal()), timeout_seconds=service.install_timeout_seconds)


def convert_script(spec: ContainerSpec) -> Script:
    """What runs on the node to turn a container into a template."""
    return Script(name=f"convert-{spec.vm_id}", text=_common("convert.sh.j2", vm_id=spec.vm_id))


def grow_script(spec: ContainerSpec) -> Script:
    """What runs on the node to give a clone a larger disk than its template has, which the provider does only later."""
    return Script(name=f"grow-{spec.vm_id}", text=_common("grow.sh.j2", vm_id=spec.vm_id, disk=spec.disk))


def community_script(spec: ContainerSpec, script: CommunityScript, template_datastore: str) -> Script:
    """What runs on the node to build a template with a community script.

    The names of the variables are those that the scripts' ``build.func`` reads.
    """
    algorithm, _, hexadecimal = script.checksum.partition(":")
    interface = spec.interfaces[0]
    variables = {
        "var_ctid": spec.vm_id,
        "var_hostname": spec.hostname,
        "var_brg": interface.bridge,
        "var_net": interface.address,
        **({"var_gateway": interface.gateway} if interface.gateway else {}),
        **({"var_vlan": interface.vlan} if interface.vlan else {}),
        **({"var_ns": spec.dns.servers[0]} if spec.dns.servers else {}),
        "var_container_storage": spec.datastore,
        "var_template_storage": template_datastore,
        "var_cpu": spec.cores,
        "var_ram": spec.memory,
        "var_disk": spec.disk,
        "var_unprivileged": int(spec.unprivileged),
        "var_nesting": int(spec.features.nesting),
        "var_keyctl": int(spec.features.keyctl),
        "var_tags": ";".join(spec.tags),
        "var_ssh": "no",
        **script.variables,
    }
    text = _common(
        "community.sh.j2",
        vm_id=spec.vm_id,
        hostname=spec.hostname,
        script=script,
        algorithm=algorithm,
        hexadecimal=hexadecimal,
        variables=variables,
        seal=_seal(),
    )
    return Script(name=f"build-{spec.vm_id}", text=text, timeout_seconds=3600)


def configure_script(environment: Environment, name: str, instance: Instance) -> Script:
    """What runs in one instance of the service ``name``: keys and identity, then the service's own configuration."""
    context = service_context(environment, name, instance)
    service = context.services[name].service
    variables = {
        **service.configure_variables(context),
        "service": service,
        "settings": context.settings,
        "context": context,
    }
    keys = tuple(dict.fromkeys(environment.defaults.ssh_keys))
    prepare = _common("prepare.sh.j2", ssh_keys=keys)
    configure = render_script(service.package, "configure.sh.j2", variables)
    return Script(
        name="configure",
        text=_in_turn(prepare, configure),
        secrets=service.secrets(context),
        timeout_seconds=service.configure_timeout_seconds,
    )


def service_context(environment: Environment, name: str, instance: Instance) -> ServiceContext[Any]:
    """What the configuration of one instance of the service ``name`` knows."""
    enabled = enabled_services(environment)
    network = environment.networks[environment.service_defaults.network]
    return ServiceContext(
        settings=enabled[name].settings,
        instance=instance,
        instances=enabled[name].instances,
        network=ServiceNetwork(
            cidr=network.cidr,
            gateway=network.gateway,
            dns=network.dns or environment.defaults.dns.servers,
            domain=network.domain or environment.defaults.dns.domain,
        ),
        services=enabled,
        guests=tuple(
            MonitoredGuest(guest.key, guest.interfaces[0].address)
            for guest in expand(environment)
            if guest.path[0] != "services" and guest.interfaces and guest.interfaces[0].address is not None
        ),
    )


def version_of(*scripts: Script) -> str:
    """Changes with what a template is built with. SHA-256, hexadecimal."""
    return hashlib.sha256("".join(script.digest for script in scripts).encode()).hexdigest()


def _seal() -> str:
    return _common("seal.sh.j2")


def _common(template: str, **variables: Any) -> str:
    return render_script(_COMMON, template, variables)


def _in_turn(*texts: str) -> str:
    """One script of several, of which none can end the others or read what a shell has yet to read of them."""
    return "set -eu\n" + "".join(f"(\n{text.rstrip()}\n) < /dev/null\n" for text in texts)
