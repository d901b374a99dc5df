"""What Infisical is to hold: projects, environments, folders, secrets, and identities with their roles.

No value of a secret is ever in an environment file, only where it comes from.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from homelab.config.model import Model
from homelab.config.problems import Refused
from homelab.config.text import Matching

_ORIGINS = ("generate", "from_environment", "sops", "prompt")
_ALLOWED_ORIGINS = "generate: password, from_environment: VARIABLE, sops: FILE with key: a.b, or prompt: TEXT"

FolderPath = Annotated[
    str,
    Matching(
        r"/|(/[A-Za-z0-9_-]+)+",
        "the path of a folder",
        "/ or /name/name, names of letters, digits, - and _",
        example="/proxmox",
    ),
]
SecretName = Annotated[
    str,
    Matching(
        r"[^\s:/](?:[^:/\x00-\x1f\x7f]*[^\s:/])?",
        "the name of a secret",
        "anything without : and / and without space around it",
        example="POSTGRES_PASSWORD",
        longest=255,
    ),
]
Slug = Annotated[
    str,
    Matching(r"[a-z0-9]+(-[a-z0-9]+)*", "a slug", "a-z and 0-9, with single - between them", longest=64),
]
ProjectSlug = Annotated[
    str,
    Matching(
        r"(?=.{5,36}$)[a-z0-9]+(-[a-z0-9]+)*",
        "the slug of a project",
        "5 to 36 of a-z and 0-9, with single - between them",
        example="homelab-secrets",
        longest=36,
    ),
]
Label = Annotated[str, Field(min_length=1, max_length=64)]
VariableName = Annotated[
    str, Matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable", "letters, digits and _", "DB_TOKEN")
]
SopsFile = Annotated[
    str,
    Matching(
        r"[^/~$\s][^$\s]*", "a file of the project", "a path relative to the project, without spaces", "prod.sops.yaml"
    ),
]


def _never_a_value(value: Any) -> Any:
    if isinstance(value, Model):
        return value
    if not isinstance(value, dict):
        raise Refused(
            "a secret's value never stands in this file, only where it comes from",
            allowed=_ALLOWED_ORIGINS,
            fix="write {generate: password}, and change the value if it was committed",
            secret=True,
        )
    if "value" in value:
        raise Refused(
            "a secret's value never stands in this file, only where it comes from",
            allowed=_ALLOWED_ORIGINS,
            fix="remove value, say where it comes from, and change the value if it was committed",
            secret=True,
        )
    return value


class _Secret(Model):
    """A secret: where its value comes from. One that is generated or asked for keeps its value once it is there."""

    generate: Literal["password", "hex", "base64"] | None = Field(
        None, description="Made at random once: password (letters and digits), hex or base64."
    )
    length: int | None = Field(
        None, ge=8, le=1024, strict=True, description="Of what is generated: characters of a password, else bytes; 32."
    )
    from_environment: VariableName | None = Field(
        None, description="The environment variable of the deploying machine that holds the value."
    )
    sops: SopsFile | None = Field(None, description="A file that sops decrypts, relative to the project.")
    key: str | None = Field(None, min_length=1, description="Where in the file of `sops`: database.password.")
    prompt: str | None = Field(None, max_length=200, description="Asked for at the terminal, once, with this text.")
    comment: str = Field("", max_length=1024, description="What it is for; Infisical shows it.")
    references: bool = Field(
        False,
        description="Let Infisical replace ${...} in the value by other secrets; otherwise such a value is refused.",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in _ORIGINS if getattr(self, name) is not None]
        if len(given) != 1:
            raise Refused(
                f"a secret comes from one place, here: {' and '.join(given) or 'none'}",
                allowed=_ALLOWED_ORIGINS,
                fix="write generate: password" if not given else "keep one of them",
            )
        if (self.sops is None) != (self.key is None):
            raise Refused(
                "sops names the file and key the place in it", allowed="both or neither", fix="add what is missing"
            )
        if self.length is not None and self.generate is None:
            raise Refused("only what is generated has a length", allowed="length with generate", fix="remove length")
        return self

    def origin(self) -> dict[str, Any]:
        """Where the value comes from, in the words of ``python -m bootstrap resources``."""
        if self.generate is not None:
            return {"source": "generated", "kind": self.generate, "length": self.length or 32}
        if self.from_environment is not None:
            return {"source": "environment", "variable": self.from_environment}
        if self.sops is not None:
            return {"source": "sops", "file": self.sops, "key": self.key}
        return {"source": "prompt", "text": self.prompt or ""}


Secret = Annotated[_Secret, BeforeValidator(_never_a_value)]


class SecretEnvironment(Model):
    """An environment of a project, with its folders and their secrets."""

    name: Label | None = Field(None, description="What Infisical shows; the slug when left out.")
    folders: dict[FolderPath, dict[SecretName, Secret]] = Field(
        {}, description="Secrets by folder and name; / is the top. Folders above a folder need not be named."
    )


class SecretProject(Model):
    """A project in Infisical. Its key is its slug there, by which it is found."""

    name: Label | None = Field(None, description="What Infisical shows; the slug when left out.")
    description: str = Field("", max_length=1024, description="What it is for.")
    environments: dict[Slug, SecretEnvironment] = Field(
        min_length=1, description="Its environments by slug, such as prod."
    )


class SecretIdentity(Model):
    """A further machine identity, found by its name. Its login is made by whoever uses it, or with `universal_auth`."""

    role: Literal["admin", "member", "no-access"] = Field("no-access", description="Its role in the organization.")
    projects: dict[str, Literal["admin", "member", "viewer", "no-access"]] = Field(
        {}, description="Its role in each project, by the project's slug."
    )
    universal_auth: bool = Field(
        False,
        description="Make a client id and secret for it, saved beside the other credentials of the deploying machine.",
    )


def desired_resources(
    owner: str, projects: dict[str, SecretProject], identities: dict[str, SecretIdentity]
) -> dict[str, Any]:
    """The document that ``python -m bootstrap resources`` takes: everything but the values.

    Args:
        owner: what is written on whatever is made from it: the environment's name.
        projects: projects by slug.
        identities: identities by name.
    """
    return {
        "owner": owner,
        "projects": [_project(key, project) for key, project in projects.items()],
        "identities": [
            {
                "name": name,
                "role": identity.role,
                "projects": [{"project": project, "role": role} for project, role in identity.projects.items()],
                **({"universal_auth": True} if identity.universal_auth else {}),
            }
            for name, identity in identities.items()
        ],
    }


def _project(key: str, project: SecretProject) -> dict[str, Any]:
    environments = project.environments.items()
    return {
        "key": key,
        "name": project.name or key,
        "slug": key,
        "description": project.description,
        "environments": [{"slug": slug, "name": one.name or slug} for slug, one in environments],
        "folders": [{"environment": slug, "path": path} for slug, one in environments for path in one.folders],
        "secrets": [
            {
                "environment": slug,
                "path": path,
                "name": name,
                "comment": secret.comment,
                "references": secret.references,
                "value": secret.origin(),
            }
            for slug, one in environments
            for path, secrets in one.folders.items()
            for name, secret in secrets.items()
        ],
    }
