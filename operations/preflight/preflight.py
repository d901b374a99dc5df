"""Looks before anything is planned whether a deployment can work: programs, providers, credentials, node, privileges.

Each check says ok, warning or failed, and how to mend it. Checks that need what an earlier one found missing are left
out and say so: they are never counted as passed.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from homelab.config.environment import Environment
from homelab.config.privileges import required_privileges
from operations import provider_mirror
from operations.diagnosis.diagnosis import Diagnosis, Subject, Surroundings, first_match
from operations.diagnosis.rules import RULES
from operations.preflight.node import NodeFinding, find_on_nodes, missing_privileges
from operations.proxmox_api import Credentials, ProxmoxApi, ProxmoxError
from operations.redaction import redact, secrets_in
from operations.terraform.process import Processes
from operations.terraform.terraform import Terraform, TerraformError

TERRAFORM_AT_LEAST = (1, 9)
PYTHON_AT_LEAST = (3, 11)
NODE_JS_AT_LEAST = 20
PROXMOX_SUPPORTED = 9
PROXMOX_TOLERATED = 8
SSH_SECONDS = 5.0


class Status(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    status: Status
    message: str
    fix: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"check": self.name, "status": str(self.status), "message": self.message, "fix": list(self.fix)}


@dataclass
class Preflight:
    """Checks of this machine, and of one environment's Proxmox.

    Attributes:
        environ: the environment variables.
        environment: what is to be deployed; None checks this machine alone.
        surroundings: what diagnoses may name.
    """

    environ: Mapping[str, str]
    environment: Environment | None = None
    surroundings: Surroundings = field(default_factory=Surroundings)
    _offline: set[str] = field(default_factory=set, init=False)

    def run(self, *, programs: bool = True, providers: Sequence[str] = (), ssh: bool = False) -> Iterator[Check]:
        """The results, one after the other as they are found.

        Args:
            programs: look at all programs and providers, also those that a deployment which has just synthesized has
                used already.
            providers: where ``programs`` is false, look at Terraform and these providers.
            ssh: something besides the upload of snippets needs SSH to the nodes, and the program ``ssh``.
        """
        if programs:
            yield from self._programs()
        elif providers:
            yield self._terraform()
            yield _providers_to_be_had(providers)
        if ssh:
            yield _ssh_program()
        if self.environment is not None:
            yield from self._proxmox(self.environment, ssh=ssh)

    def _programs(self) -> Iterator[Check]:
        version = sys.version_info
        fine = version[:2] >= PYTHON_AT_LEAST
        yield Check(
            "python",
            Status.OK if fine else Status.FAILED,
            f"Python {version[0]}.{version[1]}.{version[2]}",
            () if fine else ("install Python 3.11 or newer",),
        )
        yield self._node_js()
        yield self._terraform()
        try:
            problems = provider_mirror.mirror_problems()
        except provider_mirror.ProviderMirrorError as error:
            problems = [str(error)]
        if problems:
            yield Check("providers", Status.FAILED, problems[0].partition("\n")[0], (*problems[1:], "make providers"))
        else:
            provider = provider_mirror.declared_providers()["proxmox"]
            yield Check("providers", Status.OK, f"{provider.source} {provider.version} is in the mirror")

    def _node_js(self) -> Check:
        program = Path(sys.prefix) / "bin" / "node"
        fix = ("make setup",)
        if not program.is_file():
            return Check("node.js", Status.FAILED, f"{program} is missing: synthesis needs it", fix)
        found = (
            Processes()
            .run([str(program), "--version"], folder=Path.cwd(), environment=dict(self.environ))
            .stdout.strip()
        )
        major = re.match(r"v(\d+)", found)
        if not major or int(major[1]) < NODE_JS_AT_LEAST:
            return Check(
                "node.js",
                Status.FAILED,
                f"Node.js {found or 'without a version'}: synthesis needs {NODE_JS_AT_LEAST} or newer",
                fix,
            )
        return Check("node.js", Status.OK, f"Node.js {found.removeprefix('v')}")

    def _terraform(self) -> Check:
        try:
            program = provider_mirror.terraform_program()
            product, version = Terraform(program, dict(self.environ), Processes()).version(Path.cwd())
        except (provider_mirror.ProviderMirrorError, TerraformError, OSError) as error:
            return Check(
                "terraform", Status.FAILED, str(error), ("install Terraform 1.9 or newer, or OpenTofu 1.9 or newer",)
            )
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        if numbers < TERRAFORM_AT_LEAST:
            return Check(
                "terraform",
                Status.FAILED,
                f"{product} {version} is too old: the stacks need 1.9",
                ("install a newer one, or name it in TERRAFORM_BINARY_NAME",),
            )
        return Check("terraform", Status.OK, f"{product} {version}")

    def _proxmox(self, environment: Environment, *, ssh: bool) -> Iterator[Check]:
        proxmox = environment.proxmox
        credentials = Credentials.from_environment(self.environ)
        yield (check := self._credentials(environment, credentials))
        rest = ("connection", "login", "version", "privileges", "nodes")
        if check.status is Status.FAILED:
            yield from (Check(name, Status.LEFT_OUT, "needs credentials") for name in rest)
        else:
            yield from self._api(environment, credentials)
        if ssh or snippets_are_uploaded(environment):
            yield from (
                self._ssh(name, node.address or name, node.ssh_port)
                for name, node in proxmox.nodes.items()
                if name not in self._offline
            )

    def _credentials(self, environment: Environment, credentials: Credentials) -> Check:
        privileges = required_privileges(environment)
        if not credentials.are_complete:
            return self._failed("credentials", "must provide either username and password, an API token", privileges)
        if not credentials.are_well_formed:
            text = "API token must be in the format" if credentials.token else ""
            if text:
                return self._failed("credentials", text, privileges)
            return Check(
                "credentials",
                Status.FAILED,
                "PROXMOX_VE_USERNAME has no realm",
                ("write it with its realm, such as root@pam",),
            )
        if environment.proxmox.authentication == "root_password" and (
            credentials.token or credentials.username != "root@pam"
        ):
            return Check(
                "credentials",
                Status.FAILED,
                (
                    "the environment uses what only root@pam with a password may do; the credentials are "
                    f"{credentials.identity}'s"
                ),
                (
                    (
                        "set PROXMOX_VE_USERNAME=root@pam and PROXMOX_VE_PASSWORD, and unset PROXMOX_VE_API_TOKEN, "
                        "which would go first"
                    ),
                ),
            )
        return Check("credentials", Status.OK, credentials.identity)

    def _api(self, environment: Environment, credentials: Credentials) -> Iterator[Check]:
        proxmox = environment.proxmox
        rest = ["connection", "login", "version", "privileges", "nodes"]
        try:
            with ProxmoxApi(proxmox.endpoint, credentials, self.environ, insecure=proxmox.insecure) as api:
                version = str(api.get("/version").get("version", ""))
                secure = Status.WARNING if proxmox.insecure else Status.OK
                yield Check(
                    rest.pop(0),
                    secure,
                    (
                        f"{proxmox.endpoint}, certificate "
                        f"{'not verified (insecure: true)' if proxmox.insecure else 'verified'}"
                    ),
                    ("trust the node's authority with SSL_CERT_FILE instead",) if proxmox.insecure else (),
                )
                yield Check(rest.pop(0), Status.OK, f"logged in as {credentials.identity}")
                yield _version(version)
                rest.pop(0)
                yield self._privileges(environment, api)
                rest.pop(0)
                findings = list(find_on_nodes(api, environment))
                self._offline |= {finding.node for finding in findings if finding.is_offline}
                others_are_there = len(self._offline) < len(findings)
                yield from (_node_check(finding, tolerated=others_are_there) for finding in findings)
                rest.pop(0)
        except ProxmoxError as error:
            if error.status is not None and "connection" in rest:
                yield Check(rest.pop(0), Status.OK, f"{proxmox.endpoint} answers")
            if rest:
                yield self._failed(rest.pop(0), error.text, required_privileges(environment))
            yield from (Check(name, Status.LEFT_OUT, "needs what failed before") for name in rest)

    def _privileges(self, environment: Environment, api: ProxmoxApi) -> Check:
        needed = required_privileges(environment)
        missing = missing_privileges(api.get("/access/permissions"), needed)
        if not missing:
            return Check("privileges", Status.OK, f"all {len(needed)} that the environment needs")
        return Check(
            "privileges",
            Status.FAILED,
            "missing: " + ", ".join(f"{privilege} on {path}" for privilege, path in missing),
            (
                "as root on a node, for the role that the token has:",
                f"  pveum role modify Homelab --privs {','.join(needed)}",
                (
                    "a token with privilege separation needs the permission itself: pveum acl modify / --tokens "
                    "'USER!NAME' --roles Homelab"
                ),
            ),
        )

    def _ssh(self, node: str, address: str, port: int) -> Check:
        name = f"ssh {node}"
        try:
            with socket.create_connection((address, port), timeout=SSH_SECONDS) as connection:
                connection.settimeout(SSH_SECONDS)
                greeting = connection.recv(64).decode(errors="replace").strip()
        except OSError as error:
            return Check(
                name,
                Status.FAILED,
                f"{address}:{port} does not answer ({error.strerror or error}); snippets and scripts go over SSH",
                (f"correct address and ssh_port of proxmox.nodes.{node} in the environment file, or let SSH through",),
            )
        if not greeting.startswith("SSH-"):
            return Check(
                name,
                Status.FAILED,
                f"what answers at {address}:{port} is no SSH server",
                (f"correct proxmox.nodes.{node}.ssh_port",),
            )
        given = any(self.environ.get(f"PROXMOX_VE_SSH_{way}") for way in ("PRIVATE_KEY", "PASSWORD", "AGENT"))
        if (
            not given
            and not (self.environment and self.environment.proxmox.ssh.agent)
            and not self.environ.get("PROXMOX_VE_PASSWORD")
        ):
            return Check(
                name,
                Status.FAILED,
                f"{address}:{port} answers, and there is nothing to log in with",
                (
                    (
                        "set PROXMOX_VE_SSH_PRIVATE_KEY (the key itself), PROXMOX_VE_SSH_AGENT=true with a key in the "
                        "agent, or PROXMOX_VE_SSH_PASSWORD"
                    ),
                ),
            )
        return Check(name, Status.OK, f"{address}:{port} answers")

    def _failed(self, name: str, text: str, privileges: Sequence[str]) -> Check:
        surroundings = self.surroundings
        if not surroundings.endpoint and self.environment is not None:
            surroundings = Surroundings(endpoint=self.environment.proxmox.endpoint, privileges=tuple(privileges))
        clean = redact(text, secrets_in(self.environ))
        found = first_match(RULES, Subject(clean, "", name, None, surroundings)) or Diagnosis("unknown", clean)
        detail = f" ({found.found})" if found.found and found.found not in found.message else ""
        return Check(
            name,
            Status.FAILED,
            f"{found.message}{detail}",
            ((f"allowed: {found.allowed}",) if found.allowed else ()) + found.fix,
        )


def _providers_to_be_had(names: Sequence[str]) -> Check:
    """Whether Terraform can get the providers: from a mirror on this machine, else from the registry."""
    try:
        declared = provider_mirror.declared_providers()
        problems = provider_mirror.mirror_problems([name for name in names if name in declared])
    except provider_mirror.ProviderMirrorError as error:
        return Check("providers", Status.FAILED, str(error))
    if not problems:
        return Check("providers", Status.OK, f"{', '.join(names)} are in the mirror")
    host = provider_mirror.REGISTRIES[0]
    try:
        socket.create_connection((host, 443), timeout=SSH_SECONDS).close()
    except OSError as error:
        reason = f"{host} does not answer either ({error.strerror or error})"
        return Check("providers", Status.FAILED, f"{problems[0]} {reason}", tuple(problems[1:]))
    return Check("providers", Status.OK, f"Terraform gets from {host} what no mirror has")


def _ssh_program() -> Check:
    """Whether scripts can be sent to nodes and guests."""
    if program := shutil.which("ssh"):
        return Check("ssh", Status.OK, program)
    return Check(
        "ssh",
        Status.FAILED,
        "ssh is not on PATH: scripts go to nodes and guests with it",
        ("install the OpenSSH client: apt install openssh-client",),
    )


def snippets_are_uploaded(environment: Environment) -> bool:
    """Whether deploying ``environment`` needs SSH."""
    own = any(machine.cloud_init.user_data for machine in environment.vms.values())
    return own or any(_has_vendor_data(template) for template in environment.templates.values())


def _has_vendor_data(template: Any) -> bool:
    return bool(template.guest_agent or template.packages or template.run_commands or template.vendor_data)


def _version(version: str) -> Check:
    major = int(match[1]) if (match := re.match(r"(\d+)", version)) else 0
    if major >= PROXMOX_SUPPORTED:
        return Check("version", Status.OK, f"Proxmox VE {version}")
    if major == PROXMOX_TOLERATED:
        return Check(
            "version",
            Status.WARNING,
            f"Proxmox VE {version}: the provider is made for 9 and does what it can with 8",
            ("update the node",),
        )
    return Check(
        "version",
        Status.FAILED,
        f"Proxmox VE {version or 'without a version'} is not supported",
        ("update the node to Proxmox VE 9",),
    )


def _node_check(finding: NodeFinding, *, tolerated: bool) -> Check:
    status = Status.FAILED if finding.problems else Status.OK
    if finding.is_offline and tolerated:
        status = Status.WARNING
    return Check(f"node {finding.node}", status, "; ".join(finding.problems) or finding.summary, finding.fix)
