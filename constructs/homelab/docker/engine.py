"""The Docker engine of a stack: which one, and how it is reached."""

from cdktf import TerraformStack
from cdktf_cdktf_provider_docker.provider import DockerProvider

PROVIDER_VERSIONS = ">= 4.6.0, < 5"
"""From the one that the tests run with. The bindings are older, but what they say is still understood; releases before
lack arguments that are said besides, and replace no container whose health check changes."""
_ID = "docker"


def declare_engine(stack: TerraformStack, *, address: str, known_hosts_file: str, port: int = 22) -> None:
    """Declare the engine that all Docker resources of ``stack`` are on: root's, at the other end of an SSH connection.

    Decided for you: the host key is verified against ``known_hosts_file`` alone; nobody is asked for anything. The key
    comes from the SSH agent or the user's own SSH configuration.

    Args:
        stack: one stack has one engine.
        address: the host's address, or an expression that becomes one.
        known_hosts_file: the file with its host key, relative to the folder in which Terraform runs.
        port: its SSH port.

    Source: provider ``kreuzwerker/docker``, arguments ``host`` and ``ssh_opts``.
    """
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "20",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known_hosts_file,
        # Only what is in the file counts, whatever the machine's own list says.
        "GlobalKnownHostsFile": "/dev/null",
    }
    DockerProvider(
        stack,
        _ID,
        host=f"ssh://root@{address}:{port}",
        ssh_opts=[part for name, value in options.items() for part in ("-o", f"{name}={value}")],
    )
    # Escape hatch: the bindings ask for the one version that they were made from.
    stack.add_override("terraform.required_providers.docker.version", PROVIDER_VERSIONS)
