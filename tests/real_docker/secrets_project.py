"""The site of the secrets platform as a project of its own, on which `homelab` runs, is broken off, and is watched."""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from bootstrap.client import Infisical, Session
from bootstrap.saved import SavedCredentials
from operations.provider_mirror import cache_folder
from tests.end_to_end.homelab_project import HOMELAB
from tests.real_docker.documented import documented
from tests.real_docker.processes_seen import IN_A_CONTAINER, ProcessesSeen
from tests.real_docker.secrets_site import CANARY, NAME, SecretsSite, secrets_site

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300
CONTAINERS = ("infisical-postgres", "infisical-redis", "infisical")
MAY_HOLD_SECRETS = (
    "*.tfstate",
    "*.tfstate.*backup",
    "*.auto.tfvars",
    "*.auto.tfvars.previous",
    "infisical_identity_*.env",
)
TOLD = {
    # Terraform's shell becomes the program that it starts.
    *((program, "INFISICAL_ADMIN_PASSWORD") for program in ("sh", "bootstrap admin", "bootstrap identity")),
    *((program, "HOMELAB_SECRET_ROOT_PASSWORD") for program in ("sh", "operations.provisioning")),
    *(
        ("bootstrap rotate admin-password", name)
        for name in ("INFISICAL_ADMIN_PASSWORD", "INFISICAL_ADMIN_NEW_PASSWORD")
    ),
    *(
        (IN_A_CONTAINER, name)
        for name in ("POSTGRES_PASSWORD", "PGPASSWORD", "REDISCLI_AUTH", "REDIS_URL", "DB_CONNECTION_URI")
    ),
    *((IN_A_CONTAINER, name) for name in ("ENCRYPTION_KEY", "AUTH_SECRET")),
}
"""Which programs have a generated secret in their environment, as docs/secrets.md says."""


def wait_until(condition: Callable[[], Any]) -> None:
    """Returns when ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


class Running:
    """A command whose output can be read while it runs."""

    def __init__(self, arguments: list[str], folder: Path, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line)

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return "".join(self.lines)

    def end(self) -> int:
        """Waits for its end; its exit code."""
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        self._reader.join(PATIENCE_SECONDS)
        return code


class SecretsProject:
    """A folder with the app and one environment file, of which `homelab` makes the site.

    Attributes:
        said: everything that the commands have printed.
        processes: all processes meanwhile.
        home: where the commands have their ``~``.
    """

    def __init__(self, site: SecretsSite) -> None:
        self.site = site
        self.folder = site.deployment.folder
        # The simulator's home is not where the providers are.
        self.environ = {**site.deployment.environ, "XDG_CACHE_HOME": str(cache_folder().parent)}
        self.environ |= {"NO_COLOR": "1", "COLUMNS": "120", "DOCKER_HOST": site.engine.environment["DOCKER_HOST"]}
        self.said: list[str] = []
        self.processes = ProcessesSeen()
        self._secrets: set[str] = set()
        for name in ("main.py", "cdktf.json", ".gitignore"):
            shutil.copy(PROJECT / name, self.folder)
        (self.folder / ".venv").symlink_to(sys.prefix)
        assert site.deployment.image_lock is not None
        (self.folder / "images.lock.json").write_text(site.deployment.image_lock.to_json(), encoding="utf-8")
        (self.folder / "environments").mkdir()
        self.write()
        self.home = self._home_with_ssh()
        subprocess.run(["git", "init", "--quiet"], cwd=self.folder, check=True, timeout=30)

    def _home_with_ssh(self) -> Path:
        """The home in which everything runs, with an ``ssh`` that looks there and not into the user's own."""
        home = Path(self.environ["HOME"])
        (home / ".ssh").mkdir(exist_ok=True)
        configuration, ssh = home / ".ssh" / "config", home / "bin" / "ssh"
        configuration.write_text(f"UserKnownHostsFile {home}/.ssh/known_hosts\n", encoding="utf-8")
        ssh.parent.mkdir(exist_ok=True)
        ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {configuration} "$@"\n', encoding="utf-8")
        ssh.chmod(0o755)
        return home

    def write(self) -> None:
        """Writes the environment file."""
        content = copy.deepcopy(self.site.deployment.content)
        simulator = self.site.deployment.simulator
        content["proxmox"]["endpoint"] = simulator.endpoint.rstrip("/")
        for name, node in content["proxmox"]["nodes"].items():
            node |= {"address": "127.0.0.1", "ssh_port": simulator.ssh_ports[name], "bridges": ["vmbr0"]}
            node["datastores"] = {key: node["datastores"][key] for key in ("local", "local-lvm")}
        (self.folder / "environments" / f"{content.pop('name')}.yaml").write_text(yaml.safe_dump(content))

    def start(self, command: str, *words: str) -> Running:
        """Starts ``homelab COMMAND`` and returns at once."""
        return Running([str(HOMELAB), command, *words, "--environment", NAME], self.folder, self.environ)

    def run(self, command: str, *words: str, code: int = 0) -> str:
        """Runs ``homelab COMMAND`` to its end and returns what it says."""
        return self.heard(self.start(command, *words), code)

    def deploy(self, *words: str, code: int = 0) -> str:
        """Runs ``homelab deploy secrets``."""
        return self.run("deploy", "secrets", *words, code=code)

    def documented(self, containing: str, more: Mapping[str, str] | None = None, *, until: str = "") -> str:
        """Runs a block of commands of docs/secrets.md as somebody would type it; see ``documented``.

        With ``until``, only to the end of the line that has it.
        """
        meant = {"prod": NAME, "192.168.3.20": self.site.engine.address, **(more or {})}
        commands = documented("secrets.md", containing, meant)
        if until:
            before, found, after = commands.partition(until)
            commands = before + found + after.partition("\n")[0]
        return self.shell(commands)

    def shell(self, commands: str) -> str:
        """Runs commands as somebody would type them, and returns what they say."""
        programs = os.pathsep.join([str(self.home / "bin"), str(Path(sys.prefix) / "bin"), self.environ["PATH"]])
        environ = {**self.environ, "PATH": programs}
        # The commands have to say it where it is needed.
        del environ["DOCKER_HOST"]
        return self.heard(Running(["bash", "-euo", "pipefail", "-c", commands], self.folder, environ), 0)

    def heard(self, running: Running, *codes: int) -> str:
        """What a command said, when it ended with one of ``codes``."""
        ended = running.end()
        self.said.append(running.said)
        assert ended in codes, running.said
        assert "Traceback" not in running.said, running.said
        return running.said

    def nothing_runs(self) -> bool:
        """Whether no process works in the folder any more."""
        return not list(self._processes())

    def _processes(self) -> Iterator[tuple[int, str]]:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cwd").readlink().is_relative_to(self.folder):
                    yield int(process.name), (process / "comm").read_text().strip()

    def terraform(self) -> int | None:
        """The Terraform that applies."""
        for process, _ in self._processes():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
                if words[0].endswith(b"terraform") and b"apply" in words:
                    return process
        return None

    def settle(self) -> None:
        """Waits for what a killed command has left running; ends the providers that a killed Terraform has left."""
        wait_until(lambda: all(name.startswith("terraform-provi") for _, name in self._processes()))
        self.kill_all()

    def kill_all(self) -> None:
        """Kills everything that works in the folder."""

        def killed() -> bool:
            for process, _ in self._processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            return self.nothing_runs()

        wait_until(killed)

    def bootstrap(self, *words: str, text: str | None = None) -> str:
        """Runs ``python -m bootstrap`` for this Infisical; it has to succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "bootstrap", *words, "--directory", str(self.site.directory)],
            cwd=self.folder,
            env={**self.environ, "INFISICAL_DOMAIN": self.site.url},
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        self.said.append(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def session(self) -> Iterator[tuple[Infisical, Session, SecretStr]]:
        """Infisical as the saved machine identity sees it, and its token."""
        saved = SavedCredentials(self.site.directory, self.site.url).identity()
        assert saved is not None
        with Infisical(self.site.url) as infisical:
            token = infisical.log_in_identity(client_id=saved.client_id, client_secret=saved.client_secret).access_token
            yield infisical, infisical.session(token), token

    def values(self) -> dict[str, str]:
        """The secrets that are in Infisical, by name."""
        with self.session() as (infisical, _, token):
            projects = infisical.projects(token)
            project = projects.project("homelab-secrets")
            assert project is not None
            return {one.secret_key: one.secret_value.get_secret_value() for one in projects.secrets(project.id, "prod")}

    def assert_complete(self) -> None:
        """One organization, one identity of each name, one valid client secret; every container healthy, no other."""
        outputs = self.site.deployment.outputs("secrets-infisical")
        password = SecretStr(outputs["infisical_admin_password"])
        with self.session() as (infisical, session, _):
            assert infisical.config().initialized
            person = infisical.log_in_user(email="admin@example.com", password=password)
            [organization] = person.organizations()
            identities = {one.identity.name: one.identity.id for one in session.identities(organization.id)}
            assert len(identities) == len(session.identities(organization.id)), identities
            assert {"Terraform-Controller", "builds"} <= set(identities)
            secrets = session.client_secrets(identities["Terraform-Controller"])
            assert [one.is_client_secret_revoked for one in secrets].count(False) == 1
        for name in CONTAINERS:
            assert self.site.engine.inspect(name)["State"]["Health"]["Status"] == "healthy"
        assert sorted(self.site.engine.docker("ps", "--all", "--format", "{{.Names}}").stdout.split()) == sorted(
            CONTAINERS
        )
        assert set(self.values()) == {"DATABASE_PASSWORD", "API_TOKEN"}

    def remember_secrets(self) -> set[str]:
        """Every secret there is and has been at such a moment: generated, saved, in Infisical, and of Proxmox."""
        self._secrets |= self.site.secrets()
        self._secrets |= {value for value in self.values().values() if value}
        saved = SavedCredentials(self.site.directory, self.site.url)
        identity, admin = saved.identity(), saved.admin()
        assert identity is not None
        self._secrets.add(identity.client_secret.get_secret_value())
        login = (self.site.directory / "infisical_identity_builds.env").read_text(encoding="utf-8")
        self._secrets.add(login.partition("CLIENT_SECRET=")[2].partition("\n")[0])
        if admin is not None and admin.admin_token is not None:
            self._secrets.add(admin.admin_token.get_secret_value())
        self._secrets.add(self.environ["PROXMOX_VE_API_TOKEN"].rpartition("=")[2])
        return self._secrets

    def assert_no_secret_is_where_it_must_not_be(self) -> None:
        """Not in an argument list, nor in what was printed, nor in a file but states and saved credentials."""
        secrets = self.remember_secrets()
        assert len(secrets) >= 11
        words = b"\0".join(list(self.processes.arguments)).decode(errors="replace")
        assert "bootstrap" in words
        assert not [secret for secret in secrets if secret in words]
        assert not [secret for secret in secrets if any(secret in text for text in self.said)]
        given = {CANARY, self.environ["PROXMOX_VE_API_TOKEN"].rpartition("=")[2]}
        assert self.processes.holding(secrets - given) <= TOLD
        holding, files = set(), set()
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name not in (".terraform", ".git")]
            for file in (Path(folder) / name for name in names):
                files.add(file.relative_to(self.folder).as_posix())
                text = file.read_text(encoding="utf-8", errors="replace")
                if any(secret in text for secret in secrets):
                    holding.add(file)
        assert {f"cdktf.out/stacks/{NAME}-secrets-infisical/cdk.tf.json"} <= files
        assert any(name.startswith(f"state/logs/{NAME}/") for name in files), files
        assert not [file for file in holding if not any(file.match(pattern) for pattern in MAY_HOLD_SECRETS)]
        assert not [file for file in holding if file.stat().st_mode & 0o777 != 0o600]
        seen_by_git = subprocess.run(
            ["git", "ls-files", "--others", "--exclude-standard"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.split()
        assert f"environments/{NAME}.yaml" in seen_by_git
        assert not {file.relative_to(self.folder).as_posix() for file in holding} & set(seen_by_git)


@contextlib.contextmanager
def secrets_project(folder: Path) -> Iterator[SecretsProject]:
    """A project of which nothing is deployed yet."""
    with secrets_site(folder) as site:
        project = SecretsProject(site)
        with project.processes.watched():
            yield project
