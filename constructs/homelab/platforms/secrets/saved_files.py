"""What `python -m bootstrap` saves, and how a stack's outputs read it."""

from typing import Any

from cdktf import Fn, Token

from homelab.config.environment import Environment
from homelab.config.state import LocalState
from homelab.provisioning.project_command import ProjectCommand

BOOTSTRAP_FILE = "infisical_bootstrap.auto.tfvars"
TOKEN_FILE = "infisical_token.auto.tfvars"  # noqa: S105 - a file's name
PROJECTS_FILE = "infisical_projects.json"
DOCUMENT_FILE = "resources.json"


def state_directory(environment: Environment) -> str:
    """The folder of what belongs to an environment and to no clone: that of its local state, else ``state``."""
    state = environment.state
    return state.directory.rstrip("/") if isinstance(state, LocalState) else "state"


def infisical_directory(environment: Environment) -> str:
    """The folder of Infisical's credentials, relative to the project unless the state's folder is absolute."""
    return f"{state_directory(environment)}/{environment.name}.infisical"


def known_hosts_file(environment: Environment) -> str:
    """The file with the host keys of the environment's guests."""
    return f"{state_directory(environment)}/{environment.name}.known_hosts"


def value_in(path: str, name: str, written_by: ProjectCommand) -> str:
    """An expression for a value of a ``.auto.tfvars`` file; empty where the file has none.

    The file is read once ``written_by`` is there: a plan made before must not find out that there is no file yet.

    Args:
        path: the file, seen from where Terraform runs.
        name: the variable in it, whose value has letters, digits, _ and - only.
        written_by: the resource that writes it.
    """
    found = Fn.regex(f"{name} *= *.([0-9A-Za-z_-]+)", _content(path, written_by))
    return Token.as_string(Fn.try_([Fn.element(found, 0), ""]))


def json_in(path: str, written_by: ProjectCommand) -> Any:
    """An expression for the content of a JSON file, read as ``value_in`` does; an empty map where there is none."""
    return Fn.try_([Fn.jsondecode(_content(path, written_by)), {}])


def _content(path: str, written_by: ProjectCommand) -> str:
    # An id is not known before the resource is there. Put on and taken off, it makes the path wait for it.
    return Fn.file(Fn.trimsuffix(Fn.join("", [path, written_by.id]), written_by.id))
