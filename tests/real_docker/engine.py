"""A Docker Engine with a registry as its mirror, reached over SSH at an address of its own; gone after a test."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.real_docker.network_namespace import NetworkNamespace, network_namespace
from tests.real_docker.programs import running

REGISTRY = "127.0.0.1:5000"
"""Where the engine finds its mirror of Docker Hub, in its own network."""
_REGISTRY_CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
http: {{addr: {address}}}
"""
_SSHD_CONFIGURATION = """\
ListenAddress {address}
Port 22
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxStartups 100
SetEnv DOCKER_HOST=unix://{socket}
"""


@dataclass
class DockerEngine:
    """A running engine.

    Attributes:
        namespace: the network it is in.
        folder: what belongs to it.
        environment: variables with which ``docker`` and ``ssh`` reach it.
    """

    namespace: NetworkNamespace
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it is reached from this machine."""
        return str(self.namespace.address)

    @property
    def host_key(self) -> str:
        """The public key of its SSH server, as a line of ``known_hosts`` has it after the address."""
        return public_key(self.folder / "host_key.pub")

    def docker(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs ``docker`` with ``text`` on standard input."""
        done = subprocess.run(
            ["/usr/bin/docker", *arguments],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine says about a container."""
        [found] = json.loads(self.docker("container", "inspect", container).stdout)
        return dict(found)

    def inside(self, container: str, *command: str, check: bool = True) -> str:
        """What a command inside a container prints, errors too."""
        done = self.docker("exec", container, *command, check=check)
        return done.stdout + done.stderr

    def digest(self, repository: str, tag: str) -> str:
        """The digest that the mirror has for a tag."""
        accepted = "application/vnd.docker.distribution.manifest.v2+json"
        done = subprocess.run(
            self.namespace.command(
                "curl", "-fsSI", "-H", f"Accept: {accepted}", f"http://{REGISTRY}/v2/{repository}/manifests/{tag}"
            ),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        headers = dict(line.partition(": ")[::2] for line in done.stdout.splitlines() if ": " in line)
        return next(value for name, value in headers.items() if name.lower() == "docker-content-digest")


@contextlib.contextmanager
def docker_engine(registry_storage: Path) -> Iterator[DockerEngine]:
    """An engine with no image, whose mirror serves what is in ``registry_storage``."""
    # Not below the folder of a test: the engine's sockets have at most 108 characters in their paths.
    folder = Path(tempfile.mkdtemp(prefix="hl-docker-", dir="/tmp"))
    try:
        with network_namespace() as namespace, contextlib.ExitStack() as stack:
            engine = DockerEngine(namespace, folder)
            stack.enter_context(registry(folder, registry_storage, REGISTRY, namespace))
            stack.enter_context(_engine(engine))
            stack.enter_context(_ssh(engine))
            yield engine
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def registry(folder: Path, storage: Path, address: str, namespace: NetworkNamespace | None = None) -> Iterator[None]:
    """A registry at ``address`` (HOST:PORT) that serves what is in ``storage``; in a network of its own where given."""
    configuration = folder / "registry.yml"
    configuration.write_text(_REGISTRY_CONFIGURATION.format(storage=storage, address=address), encoding="utf-8")
    inside = namespace.command if namespace else lambda *arguments: list(arguments)
    asked = inside("curl", "-fsS", "--noproxy", "*", "--max-time", "5", f"http://{address}/v2/")

    def answers() -> bool:
        return subprocess.run(asked, capture_output=True, timeout=30, check=False).returncode == 0

    command = inside("docker-registry", "serve", str(configuration))
    with running(command, log=folder / "registry.log", ready=answers):
        yield


def public_key(file: Path) -> str:
    """Type and key of a ``.pub`` file, without its comment."""
    return " ".join(file.read_text(encoding="utf-8").split()[:2])


@contextlib.contextmanager
def ssh_agent(folder: Path) -> Iterator[tuple[Path, str]]:
    """An SSH agent with one new key: its socket, and the public key."""
    key, socket = folder / "key", folder / "agent.sock"
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    with running(["ssh-agent", "-D", "-a", str(socket)], log=folder / "agent.log", ready=socket.exists):
        _run("ssh-add", "-q", str(key), environment={"SSH_AUTH_SOCK": str(socket), "PATH": "/usr/bin"})
        yield socket, public_key(key.with_suffix(".pub"))


@contextlib.contextmanager
def _engine(engine: DockerEngine) -> Iterator[None]:
    folder = engine.folder
    socket = folder / "docker.sock"
    engine.environment = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(folder),
        "DOCKER_HOST": f"unix://{socket}",
        # The builder that needs no plugin.
        "DOCKER_BUILDKIT": "0",
    }
    command = engine.namespace.command(
        "dockerd",
        *("--config-file", str(_empty_file(folder / "daemon.json"))),
        *("--host", f"unix://{socket}"),
        *("--data-root", str(folder / "data")),
        *("--exec-root", str(folder / "exec")),
        *("--pidfile", str(folder / "docker.pid")),
        *("--registry-mirror", f"http://{REGISTRY}"),
        *("--default-ulimit", "nofile=20000:20000"),
    )
    log = folder / "dockerd.log"
    with running(command, log=log, ready=lambda: engine.docker("version", check=False).returncode == 0):
        try:
            yield
        finally:
            names = engine.docker("ps", "--all", "--quiet", check=False).stdout.split()
            if names:
                engine.docker("rm", "--force", *names, check=False)


def _empty_file(path: Path) -> Path:
    path.write_text("{}", encoding="utf-8")
    return path


@contextlib.contextmanager
def _ssh(engine: DockerEngine) -> Iterator[None]:
    """An SSH server at the engine's address, and an agent that has the one key that it takes."""
    folder = engine.folder
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key"))
    # The server wants this folder, which otherwise its service makes.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    configuration = folder / "sshd_config"
    configuration.write_text(
        _SSHD_CONFIGURATION.format(address=engine.address, folder=folder, socket=folder / "docker.sock"),
        encoding="utf-8",
    )
    server = engine.namespace.command("/usr/sbin/sshd", "-D", "-e", "-f", str(configuration))
    with (
        ssh_agent(folder) as (socket, _),
        running(server, log=folder / "sshd.log", ready=lambda: _keyscan(engine.address)),
    ):
        engine.environment["SSH_AUTH_SOCK"] = str(socket)
        yield


def _keyscan(address: str) -> bool:
    done = subprocess.run(["ssh-keyscan", "-T", "2", address], capture_output=True, text=True, timeout=30, check=False)
    return bool(done.stdout.strip())


def _run(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True, timeout=60)
