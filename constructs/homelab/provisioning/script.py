"""What is run inside a guest: the text of a script and the secrets it gets. Pure: no cdktf, no network."""

import hashlib
import importlib.resources
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

SecretKind = Literal["password", "hex", "base64"]
"""password: letters and digits. hex: hexadecimal digits. base64: random bytes in base64."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SHELL_VARIABLES = {"HOME", "IFS", "LANG", "PATH", "PWD", "SHELL", "TERM", "USER"}


def render_script(package: str, template: str, variables: Mapping[str, Any]) -> str:
    """The text of a Jinja2 template in the folder of a Python package.

    A variable that is used and not given is an error. ``{{ value | sh }}`` quotes a value for a shell. A template may
    include others of its package, of the packages that this one is in, and of this package, which has what all share.

    Args:
        package: dotted name of the package that holds the template, such as ``homelab.services.redis``.
        template: file name in it, such as ``install.sh.j2``.
        variables: values by name. No secrets: the text is part of the stack. They are `StoredSecret` or `GivenSecret`.

    Raises:
        jinja2.TemplateError: the template has a mistake or uses a variable that is not given.
    """
    # Every service is imported to check an environment file, and no script is rendered for that.
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    parts = package.split(".")
    packages = [*(".".join(parts[:length]) for length in range(len(parts), 0, -1)), __package__ or ""]

    def load(name: str) -> str | None:
        files = (importlib.resources.files(one).joinpath(name) for one in packages)
        return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), None)

    environment = Environment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - these are shell scripts, for which the filter `sh` quotes
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sh"] = lambda value: shlex.quote(str(value))
    return environment.get_template(template).render(variables)


def _check_variable(variable: str) -> None:
    if not _VARIABLE.fullmatch(variable) or variable in _SHELL_VARIABLES or variable.startswith("HOMELAB_"):
        raise ValueError(
            f"{variable!r} can't be the shell variable of a secret: it takes capitals, digits and _, and neither a "
            "variable that a shell uses itself nor HOMELAB_*"
        )


@dataclass(frozen=True)
class StoredSecret:
    """A secret from the environment's secret store, made there the first time that a script needs it.

    Attributes:
        variable: the shell variable in which the script sees it; it is not exported.
        name: its name in the store, such as ``postgresql/root``: who else asks for it gets the same value.
        kind: what it is made of.
        length: characters of a password or of hexadecimal digits; bytes before encoding for base64.

    Raises:
        ValueError: the variable is not one that a script can have.
    """

    variable: str
    name: str
    kind: SecretKind = "password"
    length: int = 32

    def __post_init__(self) -> None:
        _check_variable(self.variable)
        if not 8 <= self.length <= 4096:
            raise ValueError(f"{self.name!r}: a secret has 8 to 4096 characters, not {self.length}")


@dataclass(frozen=True)
class GivenSecret:
    """A secret that Terraform knows, handed over in the environment of the process that runs the script.

    Attributes:
        variable: the shell variable in which the script sees it; it is not exported.
        expression: where Terraform has it from, such as ``random_password.x.result`` of a construct. Never a value.

    Raises:
        ValueError: the variable is not one that a script can have, or this is a value instead of an expression.
    """

    variable: str
    expression: str

    def __post_init__(self) -> None:
        _check_variable(self.variable)
        if not (self.expression.startswith("${") and self.expression.endswith("}")):
            raise ValueError(
                f"{self.variable}: give the expression of a Terraform attribute, a value would be in clear"
            )


@dataclass(frozen=True)
class Script:
    """A script for ``/bin/sh`` inside a guest.

    It runs as root, has to be one that may run again (what is done already is left alone), and ends with a probe of
    what it has set up. Lines it prints are kept in a log; these mean something:

    - ``homelab-changed: yes`` or ``no``: whether it found anything to do.
    - ``homelab-host-key: ssh-ed25519 AAAA...``: the guest's SSH host key, which is trusted from then on.

    Attributes:
        name: what it is called in messages and in the name of its log: a-z, 0-9 and -.
        text: the script, without secrets.
        secrets: what it gets besides.
        timeout_seconds: after which it is ended and counts as failed.

    Raises:
        ValueError: the name is none, or two secrets have one variable.
    """

    name: str
    text: str
    secrets: tuple[StoredSecret | GivenSecret, ...] = ()
    timeout_seconds: int = 1800

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not the name of a script: it takes a-z, 0-9 and -")
        variables = [secret.variable for secret in self.secrets]
        if len(set(variables)) < len(variables):
            raise ValueError(f"script {self.name}: two secrets have the same variable: {', '.join(sorted(variables))}")

    @property
    def digest(self) -> str:
        """Changes with what the script does and which secrets it gets: then it runs again. SHA-256, hexadecimal."""
        parts = [self.text, *(_identity(secret) for secret in self.secrets)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _identity(secret: StoredSecret | GivenSecret) -> list[str]:
    # An expression may hold a number that cdktf gave it in this run alone.
    return [secret.variable, secret.name, secret.kind] if isinstance(secret, StoredSecret) else [secret.variable]
