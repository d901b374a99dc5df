"""What an Infisical instance is to hold: the JSON document that `python -m bootstrap resources --file` takes.

No value of a secret is ever in it, only where the value comes from. Names are Infisical's; its own limits are checked
here, so that a mistake is found before anything is sent.
"""

from __future__ import annotations

import json
import string
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bootstrap.errors import UsageError

LONGEST_FILE_NAME = 200
"""Characters of an identity's name in a file's: with what is around it, file systems take 255 bytes."""

DEEPEST_FOLDER = 20
"""Where Infisical stops when it lists the secrets of an environment with all its folders."""

_NAME_SIGNS = set(string.ascii_letters + string.digits + "-_")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _folder_path(path: str) -> str:
    if path == "/":
        return path
    names = path.split("/")[1:]
    if not path.startswith("/") or not all(name and set(name) <= _NAME_SIGNS for name in names):
        raise ValueError("a folder is '/' or '/name/name', its names of letters, digits, '-' and '_'")
    if len(names) > DEEPEST_FOLDER:
        raise ValueError(f"a folder is at most {DEEPEST_FOLDER} deep: Infisical lists no secrets below that")
    return path


def _secret_name(name: str) -> str:
    if name != name.strip() or not name.isprintable() or set(name) & set(":/"):
        raise ValueError("the name of a secret holds no ':', no '/' and no space around it")
    return name


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name holds no line break and no other control character")
    return name


FolderPath = Annotated[str, AfterValidator(_folder_path)]
SecretName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_secret_name)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=64)]
ProjectSlug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=5, max_length=36)]
Label = Annotated[
    str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(_printable)
]


class Generated(_Part):
    """Made at random once, on the way to the server, and never again: a secret that exists keeps its value.

    `length` counts characters of a `password` (letters and digits), and bytes of `hex` and `base64`.
    """

    source: Literal["generated"]
    kind: Literal["password", "hex", "base64"] = "password"
    length: int = Field(default=32, ge=8, le=1024)


class FromEnvironment(_Part):
    """The value of an environment variable of the run."""

    source: Literal["environment"]
    variable: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class FromSops(_Part):
    """A string in a file that `sops` decrypts.

    `file` is relative to the document's folder; `key` leads to the string: `database.password`.
    """

    source: Literal["sops"]
    file: Annotated[str, StringConstraints(min_length=1)]
    key: Annotated[str, StringConstraints(min_length=1)]


class Prompted(_Part):
    """Asked for at the terminal once: a secret that exists keeps its value."""

    source: Literal["prompt"]
    text: str = ""


Source = Annotated[Generated | FromEnvironment | FromSops | Prompted, Field(discriminator="source")]


class _Placed(_Part):
    environment: Slug
    path: FolderPath = "/"


class Secret(_Placed):
    """A secret of a project. `references` allows `${...}` in its value, which Infisical replaces when it is read."""

    name: SecretName
    value: Source
    comment: str = Field(default="", max_length=1024)
    references: bool = False


class Folder(_Placed):
    """A folder; those above it, and those of secrets, need not be named."""


class ProjectEnvironment(_Part):
    """An environment of a project."""

    slug: Slug
    name: Label


class Project(_Part):
    """A project, found by its slug, which is unique in an organization.

    `key` is what the rest of the document calls it.
    """

    key: Annotated[str, StringConstraints(min_length=1)]
    name: Label
    slug: ProjectSlug
    description: str = Field(default="", max_length=1024)
    environments: tuple[ProjectEnvironment, ...] = ()
    folders: tuple[Folder, ...] = ()
    secrets: tuple[Secret, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        slugs = [one.slug for one in self.environments]
        _once(slugs, "environment")
        for part in self._placed():
            if part.environment not in slugs:
                raise ValueError(f"the environment {part.environment!r} is none of: {', '.join(slugs) or 'none'}")
        _once([f"{one.environment}:{PurePosixPath(one.path) / one.name}" for one in self.secrets], "secret")
        return self

    def folder_paths(self, environment: str) -> tuple[str, ...]:
        """Every folder the environment is to have but `/`, parents first."""
        wanted: set[str] = set()
        for part in self._placed():
            if part.environment == environment:
                wanted.update(str(one) for one in (PurePosixPath(part.path), *PurePosixPath(part.path).parents))
        return tuple(sorted(wanted - {"/"}))

    def _placed(self) -> tuple[_Placed, ...]:
        return (*self.folders, *self.secrets)


class ProjectRole(_Part):
    """The role of an identity in a project: `admin`, `member`, `viewer`, `no-access`, or a custom role's slug."""

    project: Annotated[str, StringConstraints(min_length=1)]
    role: Slug


class Identity(_Part):
    """A machine identity with its role in the organization and in projects. It is found by its name.

    With `universal_auth` it also gets a client secret, which is saved.
    """

    name: Label
    role: Slug = "no-access"
    projects: tuple[ProjectRole, ...] = ()
    universal_auth: bool = False

    @model_validator(mode="after")
    def _has_a_file_name(self) -> Self:
        length = len(quote(self.name, safe=""))
        if self.universal_auth and length > LONGEST_FILE_NAME:
            raise ValueError(
                f"the identity {self.name!r} takes {length} characters in the name of the file of its login, in which"
                f" others than letters, digits, '-', '_' and '.' take three to twelve; allowed are {LONGEST_FILE_NAME}"
            )
        return self


class Resources(_Part):
    """The whole document.

    `owner` is written on what is made from it (a homelab environment's name does well), and only what carries it is
    ever deleted; two documents for one instance need two owners.
    """

    owner: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    projects: tuple[Project, ...] = ()
    identities: tuple[Identity, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        keys = [one.key for one in self.projects]
        _once(keys, "project key")
        _once([one.slug for one in self.projects], "project slug")
        _once([one.name for one in self.identities], "identity")
        for identity in self.identities:
            _once([one.project for one in identity.projects], f"project of the identity {identity.name!r}:")
            for membership in identity.projects:
                if membership.project not in keys:
                    raise ValueError(
                        f"the identity {identity.name!r} has a role in {membership.project!r}, which is none of the"
                        f" projects: {', '.join(keys) or 'none'}"
                    )
        return self


def read_resources(path: Path) -> Resources:
    """The document in a file.

    Raises:
        UsageError: it can't be read, is no JSON, or says what Infisical would refuse; the message names every place.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}", "name the file with --file") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON: {error}", "write a JSON document, see docs/bootstrap.md") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: is not a JSON object", "begin it with {, see docs/bootstrap.md")
    try:
        return Resources.model_validate(document)
    except ValidationError as error:
        # Without the values: somebody may have written a secret where a source belongs.
        faults = "; ".join(
            f"{'.'.join(map(str, issue['loc'])) or 'document'}: {issue['msg'].removeprefix('Value error, ')}"
            for issue in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise UsageError(f"{path}: {faults}", "correct it; docs/bootstrap.md describes the document") from None


def _once(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the {what} {name!r} is there twice")
