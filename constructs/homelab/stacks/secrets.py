"""The stacks of the secrets platform, one for each phase: host, infisical, bootstrap, identity, resources."""

import hashlib
import json
import posixpath
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from cdktf import Fn, TerraformOutput, TerraformStack
from constructs import Construct

from homelab.config.resolution import ResolvedEnvironment
from homelab.config.secret_resources import desired_resources
from homelab.config.secrets import CONTAINER_KEY, GROUP, SSH_PORT, Secrets
from homelab.credentials import Password
from homelab.docker.engine import declare_engine
from homelab.platforms.secrets import saved_files
from homelab.platforms.secrets.host import set_up_host
from homelab.platforms.secrets.infisical import Infisical
from homelab.provisioning.project_command import ProjectCommand
from homelab.proxmox.address import address_of
from homelab.proxmox.container import Container
from homelab.stacks.environment_stack import declare_backend, stack_id
from homelab.stacks.guests import GuestsStack
from homelab.stacks.other_state import from_stack, output_of
from homelab.stacks.outputs import NULL

HOST, INFISICAL, BOOTSTRAP, IDENTITY, RESOURCES = (
    GROUP,
    "secrets-infisical",
    "secrets-bootstrap",
    "secrets-identity",
    "secrets-resources",
)
_READY_SECONDS = 180


class SecretsHostStack(GuestsStack):
    """Defines ``<environment>-secrets-host``: the container, and the Docker engine in it.

    Outputs: those of a group of guests, and ``docker_container_id`` (the VMID), ``docker_container_hostname``,
    ``docker_container_ip``, ``docker_lxc_password`` (sensitive; root's, for Proxmox's console), ``probes``.
    """

    def __init__(self, scope: Construct, *, resolved: ResolvedEnvironment, keys: Sequence[str]) -> None:
        super().__init__(scope, group=HOST, keys=keys, resolved=resolved)
        environment, settings = resolved.environment, _settings(resolved)
        container = self.node.find_child(CONTAINER_KEY)
        if not isinstance(container, Container):
            raise TypeError(f"{CONTAINER_KEY} is no container")
        password = Password(self, "docker-lxc-password", length=16)
        set_up_host(self, container=container, environment=environment, os=settings.os, root_password=password)
        spec = container.spec
        address = spec.interfaces[0].static_address or f'${{split("/", {address_of(container)}.ipv4["eth0"])[0]}}'
        _output(self, "docker_container_id", spec.vm_id, "VMID of the Docker host.")
        _output(self, "docker_container_hostname", spec.hostname, "Host name of the Docker host.")
        _output(self, "docker_container_ip", address, "Address of the Docker host.")
        _output(self, "docker_lxc_password", password.result, "Root's password, for Proxmox's console.", secret=True)
        _output(self, "probes", [_probe("SSH of the Docker host", tcp=f"{address}:{SSH_PORT}", seconds=120)])


class _PhaseStack(TerraformStack):
    """A stack without Proxmox: it works on what the phases before it made."""

    def __init__(self, scope: Construct, name: str, *, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, stack_id(resolved.environment, name))
        self.resolved = resolved
        self.environment = resolved.environment
        self.settings = _settings(resolved)
        self.directory = saved_files.infisical_directory(self.environment)
        declare_backend(self, self.environment, self.environment.state)

    @property
    def static_address(self) -> str | None:
        """The host's address; None with DHCP."""
        return self.resolved.containers[CONTAINER_KEY].interfaces[0].static_address

    @property
    def address(self) -> str:
        """The host's address; with DHCP an expression that reads it from the state of the host's stack."""
        return self.static_address or output_of(self, self.environment, HOST, "docker_container_ip")

    @property
    def url(self) -> str:
        """Where this machine reaches Infisical: always directly, as a proxy may be set up later."""
        return f"http://{self.address}:{self.settings.port}"

    def saved(self, file: str) -> str:
        """A file of ``directory``, seen from where Terraform runs."""
        return f"{from_stack(self.directory)}/{file}"

    def bootstrap(
        self,
        id_: str,
        arguments: str,
        *,
        environment: dict[str, str],
        triggers: dict[str, str],
        before: str = "",
    ) -> ProjectCommand:
        """Defines that ``python -m bootstrap`` has run with ``arguments``; what it saves is in ``directory``.

        ``before`` is a command that has to succeed before.
        """
        return ProjectCommand(
            self,
            id_,
            command=f"mkdir -p -m 700 {self.directory} && {f'{before} && ' if before else ''}"
            f"exec $python -m bootstrap {arguments} --directory {self.directory} --wait {_READY_SECONDS}",
            environment={"INFISICAL_DOMAIN": self.url, **environment},
            triggers={"url": self.url, "directory": self.directory, **triggers},
        )

    def probe(self, name: str, *command: str, repeat: ProjectCommand) -> dict[str, Any]:
        """A probe by ``python -m bootstrap``; when it fails although nothing is planned, ``repeat`` is done again."""
        where = ["--domain", self.url, "--directory", self.directory]
        # Not longer: what a file lacks does not come by itself, and what is repeated waits for the server.
        return _probe(name, command=["bootstrap", *command, *where], seconds=10, repeat=[address_of(repeat)])

    def administrator(self) -> dict[str, str]:
        """The administrator as ``python -m bootstrap`` wants to hear of it."""
        password = output_of(self, self.environment, INFISICAL, "infisical_admin_password")
        return {
            "INFISICAL_ADMIN_EMAIL": self.settings.admin.email,
            "INFISICAL_ADMIN_ORGANIZATION": self.settings.organization,
            # Terraform would print nothing of a command that is given something sensitive, not even its progress.
            # The command takes the password for a secret by itself and keeps it out of all it prints.
            "INFISICAL_ADMIN_PASSWORD": Fn.nonsensitive(password),
        }


class SecretsInfisicalStack(_PhaseStack):
    """Defines ``<environment>-secrets-infisical``: PostgreSQL, Redis and Infisical on the Docker host.

    Outputs: ``infisical_url``, ``infisical_container_id``, ``infisical_address``, ``probes``; sensitive
    ``infisical_admin_password``, and ``key_backup`` and ``database_rotation``, which ``python -m bootstrap`` takes.
    """

    def __init__(self, scope: Construct, *, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, INFISICAL, resolved=resolved)
        known_hosts = from_stack(saved_files.known_hosts_file(self.environment))
        declare_engine(self, address=self.address, known_hosts_file=known_hosts)
        site_url = self.settings.url or self.url
        infisical = Infisical(
            self,
            "infisical",
            settings=self.settings,
            site_url=site_url,
            # The next lease can be another one, and the engine starts no container on an address that is not there.
            listen_address=self.static_address or "0.0.0.0",  # noqa: S104 - of the Docker host, whose firewall filters
            digests=resolved.digests,
            labels={"homelab.environment": self.environment.name, "homelab.stack": self.node.id},
        )
        _output(self, "infisical_url", site_url, "Where browsers find Infisical.")
        _output(self, "infisical_address", self.url, "Where this machine reaches Infisical.")
        _output(self, "infisical_container_id", infisical.container.id, "Id of Infisical's container on the engine.")
        # Here, with everything else that a backup of the keys must have.
        admin = Password(self, "infisical-admin-password", length=24, special=True)
        database = {
            "postgres_user": infisical.database_user,
            "postgres_password": infisical.postgres_password,
            "redis_password": infisical.redis_password,
        }
        backup = {
            "ENCRYPTION_KEY": infisical.encryption_key,
            "AUTH_SECRET": infisical.auth_secret,
            "admin_email": self.settings.admin.email,
            "admin_password": admin.result,
            **database,
        }
        _output(self, "infisical_admin_password", admin.result, "The administrator's password.", secret=True)
        _output(self, "database_rotation", database, "For `python -m bootstrap rotate database`.", secret=True)
        _output(self, "key_backup", backup, "For `python -m bootstrap backup-keys`.", secret=True)
        _output(self, "probes", [_probe("Infisical", url=f"{self.url}/api/status", seconds=_READY_SECONDS)])


class SecretsBootstrapStack(_PhaseStack):
    """Defines ``<environment>-secrets-bootstrap``: Infisical's first administrator and organization.

    Outputs: ``infisical_bootstrap_complete``, ``infisical_organization_id``, ``infisical_admin_email``, ``probes``.
    """

    def __init__(self, scope: Construct, *, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, BOOTSTRAP, resolved=resolved)
        admin = self.bootstrap(
            "admin",
            "admin",
            environment=self.administrator(),
            triggers={"email": self.settings.admin.email, "organization": self.settings.organization},
        )
        organization = saved_files.value_in(
            self.saved(saved_files.BOOTSTRAP_FILE), "infisical_organization_id", written_by=admin
        )
        _output(self, "infisical_bootstrap_complete", f"${{{address_of(admin)}.id != null}}", "Whether it is set up.")
        _output(self, "infisical_organization_id", organization, "Id of the organization.")
        _output(self, "infisical_admin_email", self.settings.admin.email, "Whom the administrator logs in as.")
        probe = self.probe("administrator", "status", "--phase", "admin", repeat=admin)
        _output(self, "probes", [probe])


class SecretsIdentityStack(_PhaseStack):
    """Defines ``<environment>-secrets-identity``: the machine identity, saved and proven by logging in with it.

    Outputs: ``infisical_identity_id``, ``infisical_client_id`` and ``infisical_client_secret`` (both sensitive),
    ``probes``.
    """

    def __init__(self, scope: Construct, *, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, IDENTITY, resolved=resolved)
        wanted = self.settings.identity
        identity = self.bootstrap(
            "identity",
            # From the environment: a name may have spaces and quotes.
            f"identity --name $HOMELAB_IDENTITY_NAME --role {wanted.role} --token-ttl {wanted.token_ttl}",
            environment={
                "HOMELAB_IDENTITY_NAME": wanted.name,
                # For the releases that refuse the bootstrap token, and for when it has been lost.
                **self.administrator(),
            },
            triggers={"name": wanted.name, "role": wanted.role, "token_ttl": str(wanted.token_ttl)},
        )
        for name, description, secret in (
            ("infisical_identity_id", "Id of the machine identity.", False),
            ("infisical_client_id", "With which the machine identity logs in.", True),
            ("infisical_client_secret", "With which the machine identity logs in.", True),
        ):
            value = saved_files.value_in(self.saved(saved_files.TOKEN_FILE), name, written_by=identity)
            _output(self, name, value, description, secret=secret)
        probe = self.probe("machine identity", "status", "--phase", "identity", repeat=identity)
        _output(self, "probes", [probe])


class SecretsResourcesStack(_PhaseStack):
    """Defines ``<environment>-secrets-resources``: projects, environments, folders, secrets, identities and roles.

    Outputs: ``infisical_project_id`` (of the first project), ``infisical_project_ids``, ``probes``.
    """

    def __init__(self, scope: Construct, *, resolved: ResolvedEnvironment) -> None:
        super().__init__(scope, RESOURCES, resolved=resolved)
        settings = self.settings
        document = desired_resources(self.environment.name, settings.projects, settings.identities)
        self._from_directory(document)
        # Percent-encoded: cdktf writes quotes into HCL in a form that Terraform does not take.
        text = quote(json.dumps(document, ensure_ascii=False, sort_keys=True), safe="")
        file = f"{self.directory}/{saved_files.DOCUMENT_FILE}"
        resources = self.bootstrap(
            "resources",
            f"resources --file {file}",
            before=f"printf %s $HOMELAB_SECRETS_DOCUMENT | $python -m operations.secrets_document {file}",
            environment={"HOMELAB_SECRETS_DOCUMENT": text},
            triggers={"document": hashlib.sha256(text.encode()).hexdigest()},
        )
        projects = saved_files.json_in(self.saved(saved_files.PROJECTS_FILE), written_by=resources)
        first = next(iter(settings.projects), "")
        _output(self, "infisical_project_ids", projects, "Ids of the projects by slug.")
        _output(self, "infisical_project_id", Fn.try_([Fn.lookup(projects, first), ""]), "Id of the first project.")
        probe = self.probe("projects and secrets", "resources", "--plan", "--file", file, repeat=resources)
        _output(self, "probes", [probe])

    def _from_directory(self, document: dict[str, Any]) -> None:
        """Names files of sops as ``python -m bootstrap`` looks for them: from the folder of the document."""
        for project in document["projects"]:
            for secret in project["secrets"]:
                if secret["value"]["source"] == "sops":
                    secret["value"]["file"] = posixpath.relpath(secret["value"]["file"], self.directory)


def _settings(resolved: ResolvedEnvironment) -> Secrets:
    settings = resolved.environment.secrets
    if settings is None:
        raise LookupError("secrets")
    return settings


def _probe(
    name: str,
    *,
    url: str | None = None,
    tcp: str | None = None,
    command: Sequence[str] | None = None,
    seconds: int,
    repeat: Sequence[str] = (),
) -> dict[str, Any]:
    """What the deployment checks after an apply: an URL, a TCP port, or the end of ``python -m`` with arguments."""
    return {
        "name": name,
        "url": url or NULL,
        "tcp": tcp or NULL,
        "command": list(command) if command else NULL,
        "timeout_seconds": seconds,
        "repeat": list(repeat),
    }


def _output(stack: TerraformStack, name: str, value: Any, description: str = "", *, secret: bool = False) -> None:
    TerraformOutput(
        stack, name, value=value, description=description or None, sensitive=True if secret else None, static_id=True
    )


def secrets_stacks(scope: Construct, resolved: ResolvedEnvironment) -> tuple[TerraformStack, ...]:
    """The stacks in their order, each after the one before; that of the resources only where there are any."""
    settings = _settings(resolved)
    stacks: list[TerraformStack] = [
        SecretsHostStack(scope, resolved=resolved, keys=resolved.groups[HOST]),
        SecretsInfisicalStack(scope, resolved=resolved),
        SecretsBootstrapStack(scope, resolved=resolved),
        SecretsIdentityStack(scope, resolved=resolved),
    ]
    if settings.projects or settings.identities:
        stacks.append(SecretsResourcesStack(scope, resolved=resolved))
    for earlier, later in pairwise(stacks):
        later.add_dependency(earlier)
    return tuple(stacks)
