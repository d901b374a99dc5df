"""The Docker host: what runs in its container before anything else can be deployed to it."""

from cdktf import TerraformStack

from homelab.config.environment import Environment
from homelab.credentials import Password
from homelab.provisioning.docker_host import docker_host_script
from homelab.provisioning.guest_script import GuestScript
from homelab.provisioning.script import GivenSecret, Script
from homelab.proxmox.container import Container

_SET_CONSOLE_LOGIN = """set -eu
printf 'root:%s\\n' "$ROOT_PASSWORD" | chpasswd
echo 'homelab-changed: yes'
"""


def set_up_host(
    stack: TerraformStack, *, container: Container, environment: Environment, os: str, root_password: Password
) -> None:
    """Define that the container has a Docker engine, SSH with keys alone, and a password for Proxmox's console.

    Args:
        stack: the stack of the container.
        container: the host.
        environment: the environment that it belongs to.
        os: its system, as the catalogue of container templates calls it.
        root_password: root's password; SSH takes none.
    """
    # Keys that are added later too: Proxmox writes them into a new file system only.
    script = docker_host_script(os, authorized_keys=container.spec.ssh_keys)
    engine = GuestScript(stack, "docker-host", guest=container, environment=environment, script=script)
    GuestScript(
        stack,
        "console-password",
        guest=container,
        environment=environment,
        script=Script(
            name="console-password",
            text=_SET_CONSOLE_LOGIN,
            secrets=(GivenSecret(variable="ROOT_PASSWORD", expression=root_password.result),),
            timeout_seconds=60,
        ),
        after=[engine],
    )
