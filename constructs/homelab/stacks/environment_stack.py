"""What every stack of an environment begins with: its state and the Proxmox provider."""

from cdktf import LocalBackend, S3Backend, S3BackendEndpointConfig, TerraformStack
from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.proxmox import Proxmox
from homelab.config.state import LocalState, S3State
from imports.proxmox.provider import ProxmoxProvider, ProxmoxProviderSsh, ProxmoxProviderSshNode

TERRAFORM_VERSION = ">= 1.9.0"
TERRAFORM_VERSION_WITH_LOCK_FILE = ">= 1.10.0"
FROM_STACK_TO_PROJECT = "../../.."
"""From ``cdktf.out/stacks/<stack>``, where Terraform runs, to the folder that holds ``cdktf.out``."""


def stack_id(environment: Environment, name: str) -> str:
    """The name of a stack, which is also that of its state: ``<environment>-<name>``."""
    return f"{environment.name}-{name}"


def state_folder(environment: Environment, state: S3State) -> str:
    """Where in the bucket the states of an environment are, without a slash at the end."""
    return f"{state.prefix}/{environment.name}"


def declare_backend(stack: TerraformStack, environment: Environment, state: LocalState | S3State) -> None:
    """Give ``stack`` its own state. Without a backend cdktf would write one with an absolute path of this machine."""
    locks_with_file = isinstance(state, S3State) and state.lock_file
    # Escape hatch: cdktf has no argument for the version of Terraform that a stack needs.
    stack.add_override(
        "terraform.required_version", TERRAFORM_VERSION_WITH_LOCK_FILE if locks_with_file else TERRAFORM_VERSION
    )
    if isinstance(state, LocalState):
        directory = state.directory.rstrip("/")
        absolute = directory.startswith("/")
        LocalBackend(
            stack, path=f"{directory if absolute else f'{FROM_STACK_TO_PROJECT}/{directory}'}/{stack.node.id}.tfstate"
        )
        return
    backend = S3Backend(
        stack,
        bucket=state.bucket,
        key=f"{state_folder(environment, state)}/{stack.node.id}.tfstate",
        region=state.region,
        # Terraform lists workspaces at every init, by default in env:/, which its policy does not reach.
        workspace_key_prefix=f"{state_folder(environment, state)}/workspaces",
        encrypt=state.encrypt,
        kms_key_id=state.kms_key_id,
        dynamodb_table=state.lock_table,
        endpoints=S3BackendEndpointConfig(s3=state.endpoint, dynamodb=state.dynamodb_endpoint)
        if state.endpoint or state.dynamodb_endpoint
        else None,
        # Servers other than Amazon's have neither its account service nor its metadata, and name buckets in the path.
        use_path_style=True if state.endpoint else None,
        skip_credentials_validation=True if state.endpoint else None,
        skip_requesting_account_id=True if state.endpoint else None,
        skip_metadata_api_check=True if state.endpoint else None,
        skip_region_validation=True if state.endpoint else None,
        # Nor do all of them know the checksums that Amazon's client adds to an upload.
        skip_s3_checksum=True if state.endpoint else None,
    )
    if state.lock_file:
        # Escape hatch: Terraform 1.10 brought use_lockfile after cdktf 0.21 was finished.
        backend.add_override("use_lockfile", True)


class EnvironmentStack(TerraformStack):
    """Defines a stack of an environment with its backend and the Proxmox provider.

    Decided for you: credentials are not in the stack, the provider reads ``PROXMOX_VE_*``.
    """

    def __init__(self, scope: Construct, name: str, *, environment: Environment) -> None:
        super().__init__(scope, stack_id(environment, name))
        declare_backend(self, environment, environment.state)
        _declare_provider(self, environment.proxmox)


def _declare_provider(stack: TerraformStack, proxmox: Proxmox) -> None:
    nodes = [
        ProxmoxProviderSshNode(name=name, address=node.address or name, port=node.ssh_port)
        for name, node in sorted(proxmox.nodes.items())
        if node.address is not None or node.ssh_port != 22
    ]
    ProxmoxProvider(
        stack,
        "proxmox",
        endpoint=proxmox.endpoint,
        insecure=True if proxmox.insecure else None,
        ssh=ProxmoxProviderSsh(username=proxmox.ssh.username, agent=proxmox.ssh.agent, node_attribute=nodes or None),
    )
