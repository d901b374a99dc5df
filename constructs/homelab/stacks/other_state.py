"""What one stack learns from another one's state: only what exists after an apply and no configuration knows."""

from cdktf import (
    DataTerraformRemoteStateLocal,
    DataTerraformRemoteStateS3,
    TerraformStack,
)

from homelab.config.environment import Environment
from homelab.config.state import LocalState
from homelab.stacks.environment_stack import FROM_STACK_TO_PROJECT, stack_id, state_folder


def output_of(stack: TerraformStack, environment: Environment, name: str, output: str) -> str:
    """An expression for ``output`` of the stack ``<environment>-<name>``, which has to be applied before.

    Source: data source ``terraform_remote_state``.
    """
    wanted = f"state-of-{name}"
    found = stack.node.try_find_child(wanted)
    if isinstance(found, DataTerraformRemoteStateLocal | DataTerraformRemoteStateS3):
        return found.get_string(output)
    other, state = stack_id(environment, name), environment.state
    if isinstance(state, LocalState):
        return DataTerraformRemoteStateLocal(
            stack, wanted, path=f"{from_stack(state.directory)}/{other}.tfstate"
        ).get_string(output)
    remote = DataTerraformRemoteStateS3(
        stack,
        wanted,
        bucket=state.bucket,
        key=f"{state_folder(environment, state)}/{other}.tfstate",
        region=state.region,
        skip_credentials_validation=True if state.endpoint else None,
        skip_metadata_api_check=True if state.endpoint else None,
        skip_region_validation=True if state.endpoint else None,
    )
    if state.endpoint:
        # Escape hatch: cdktf 0.21 knows these arguments for the backend, and not for reading from it.
        remote.add_override("config.endpoints", {"s3": state.endpoint})
        remote.add_override("config.use_path_style", True)
        remote.add_override("config.skip_requesting_account_id", True)
        remote.add_override("config.skip_s3_checksum", True)
    return remote.get_string(output)


def from_stack(folder: str) -> str:
    """``folder``, as a file or argument names it, seen from where Terraform runs."""
    folder = folder.rstrip("/")
    return folder if folder.startswith("/") else f"{FROM_STACK_TO_PROJECT}/{folder}"
