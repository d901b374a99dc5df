"""The Docker host: Docker Engine with compose, and SSH with keys alone, in a container."""

from collections.abc import Sequence

from homelab.provisioning.script import Script, render_script

_DEBIAN = ("ca-certificates", "docker.io", "iptables", "iproute2", "openssh-server")
_ALPINE = ("ca-certificates", "docker", "docker-cli-compose", "iptables", "openssh-server")


def docker_host_script(
    os: str,
    *,
    authorized_keys: Sequence[str] = (),
    engine_version: str | None = None,
    compose_version: str | None = None,
    timeout_seconds: int = 1200,
) -> Script:
    """The script that makes a container a Docker host, and verifies that it is one.

    Packages are the distribution's own. It fails where the engine does not answer, where SSH would still take a
    password, and where root has no authorized key. It prints the SSH host key, which the runner keeps in
    ``<state folder>/<environment>.known_hosts``: that file is what a Docker client verifies the host with.

    Args:
        os: the container's system, such as ``debian-12``, ``ubuntu-24.04`` or ``alpine-3.22``.
        authorized_keys: public keys that may log in as root besides those the container was made with.
        engine_version: the exact version of the package docker.io or docker; what the distribution has when None.
        compose_version: likewise of compose.
        timeout_seconds: after which it is given up.

    Raises:
        ValueError: the system is none of Debian, Ubuntu and Alpine.
    """
    distribution = os.partition("-")[0]
    if distribution not in ("debian", "ubuntu", "alpine"):
        raise ValueError(f"a Docker host runs Debian, Ubuntu or Alpine, not {os}")
    versions = {"docker.io": engine_version, "docker": engine_version, "docker-cli-compose": compose_version}
    packages = _ALPINE if distribution == "alpine" else _DEBIAN
    text = render_script(
        "homelab.provisioning",
        "docker_host.sh.j2",
        {
            "distribution": distribution,
            "packages": [f"{name}={versions[name]}" if versions.get(name) else name for name in packages],
            "compose_version": compose_version,
            "authorized_keys": list(authorized_keys),
        },
    )
    return Script(name="docker-host", text=text, timeout_seconds=timeout_seconds)
