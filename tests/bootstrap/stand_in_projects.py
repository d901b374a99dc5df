"""What the stand-in Infisical knows about projects: environments, folders, secrets, members and approval policies."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.bootstrap.stand_in_refusals import RefusedError, bad_request, invalid, not_found

_FOLDER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_WRITERS = {"admin", "member"}


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def stored(value: str) -> str:
    """A secret's value as it is stored: without white space around it, but for one line break at the end."""
    return value.strip() + "\n" if value.endswith("\n") else value.strip()


@dataclass
class Secret:
    """A secret."""

    name: str
    value: str
    comment: str = ""
    metadata: list[dict[str, Any]] = field(default_factory=list)
    version: int = 1
    id: str = field(default_factory=new_id)


@dataclass
class Folder:
    """A folder; the root of an environment has no parent."""

    name: str
    parent_id: str | None
    description: str | None = None
    secrets: dict[str, Secret] = field(default_factory=dict)
    approval_policy: bool = False
    dynamic_secret: bool = False
    id: str = field(default_factory=new_id)


@dataclass
class Environment:
    """An environment with its folders by id."""

    name: str
    slug: str
    position: int
    id: str = field(default_factory=new_id)
    folders: dict[str, Folder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = Folder("root", None)
        self.folders[root.id] = root

    @property
    def root(self) -> Folder:
        """The folder `/`."""
        return next(folder for folder in self.folders.values() if folder.parent_id is None)

    def path_of(self, folder: Folder) -> str:
        """Where a folder is."""
        if folder.parent_id is None:
            return "/"
        return f"{self.path_of(self.folders[folder.parent_id]).rstrip('/')}/{folder.name}"

    def at(self, path: str) -> Folder | None:
        """The folder with a path."""
        wanted = path.rstrip("/") or "/"
        return next((one for one in self.folders.values() if self.path_of(one) == wanted), None)

    def below(self, folder: Folder) -> Iterator[Folder]:
        """A folder's folders, theirs, and so on."""
        for one in list(self.folders.values()):
            if one.parent_id == folder.id:
                yield one
                yield from self.below(one)

    def add_folder(self, path: str, description: str | None = None) -> Folder:
        """A new folder; its parents are made where they are missing."""
        *parents, name = [part for part in path.split("/") if part]
        folder = self.root
        for parent in parents:
            folder = self._child(folder, parent) or self._add(folder, parent, None)
        if self._child(folder, name):
            where = self.path_of(folder)
            raise bad_request(f"Folder with name '{name}' already exists in path '{where}'")
        return self._add(folder, name, description)

    def _child(self, folder: Folder, name: str) -> Folder | None:
        return next((one for one in self.folders.values() if one.parent_id == folder.id and one.name == name), None)

    def _add(self, folder: Folder, name: str, description: str | None) -> Folder:
        if not _FOLDER_NAME.fullmatch(name):
            raise invalid(["name"], "Folder name can only contain alphanumeric characters, dashes, and underscores.")
        made = Folder(name, folder.id, description)
        self.folders[made.id] = made
        return made


@dataclass
class Member:
    """An identity, or a user, in a project."""

    actor_id: str
    roles: list[dict[str, Any]]
    id: str = field(default_factory=new_id)

    @property
    def names(self) -> set[str]:
        """Its roles."""
        return {role["role"] for role in self.roles}


def roles_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The roles a request gives."""
    wanted = body.get("roles") or [{"role": body.get("role", "no-access")}]
    for role in wanted:
        if role["role"] not in {"admin", "member", "viewer", "no-access"}:
            raise not_found(f"Custom role with slug '{role['role']}' not found")
    return [{"id": new_id(), "role": role["role"], "isTemporary": role.get("isTemporary", False)} for role in wanted]


@dataclass
class Project:
    """A project. Whoever makes it is its admin."""

    name: str
    slug: str
    organization_id: str
    description: str | None = None
    environments: list[Environment] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    id: str = field(default_factory=new_id)

    def environment(self, slug: str) -> Environment | None:
        """The environment with a slug."""
        return next((one for one in self.environments if one.slug == slug), None)

    def add_environment(self, name: str, slug: str) -> Environment:
        """A new environment."""
        if self.environment(slug):
            raise RefusedError(400, "CreateEnvironment", "Environment with slug already exists")
        self.environments.append(Environment(name, slug, len(self.environments) + 1))
        return self.environments[-1]

    def folder(self, environment: str, path: str, kind: str = "NotFound") -> tuple[Environment, Folder]:
        """An environment and a folder in it; both missing ones are refused alike."""
        there = self.environment(environment)
        folder = there.at(path) if there else None
        if there is None or folder is None:
            message = f"Folder with path '{path}' in environment with slug '{environment}' not found"
            raise RefusedError(404, kind, message)
        return there, folder

    def require(self, actor_id: str, action: str, subject: str) -> None:
        """Refuses who is no member, and whoever may not do this."""
        member = self.members.get(actor_id)
        if member is None:
            raise RefusedError(
                403, "ProjectMembershipNotFound", f"You are not a member of this project with ID {self.id}"
            )
        allowed = {"admin"} if subject in {"member", "settings", "environments"} and action != "read" else _WRITERS
        if action == "read":
            allowed = allowed | {"viewer"}
        if not member.names & allowed:
            raise RefusedError(403, "PermissionDenied", f"You are not allowed to {action} on {subject}", details=[])


@dataclass
class Projects:
    """All projects of an instance."""

    all: list[Project] = field(default_factory=list)

    def by_id(self, project_id: str) -> Project:
        """The project with an id."""
        for project in self.all:
            if project.id == project_id:
                return project
        raise not_found(f"Project with ID '{project_id}' not found")

    def by_slug(self, slug: str, organization_id: str) -> Project:
        """The project with a slug in an organization."""
        for project in self.all:
            if project.slug == slug and project.organization_id == organization_id:
                return project
        raise not_found(f"Project with slug '{slug}' not found")

    def add(self, body: dict[str, Any], organization_id: str, actor_id: str) -> Project:
        """A new project."""
        name = body["projectName"].strip()
        slug = body.get("slug") or f"{name.lower().replace(' ', '-')}-{secrets.token_hex(2)}"
        if not 5 <= len(slug) <= 36 or slug != slug.lower():
            raise invalid(["slug"], "String must contain at least 5 character(s)", "too_small")
        if any(one.slug == slug and one.organization_id == organization_id for one in self.all):
            raise bad_request(
                f'A project with the slug "{slug}" already exists in your organization.'
                " Please choose a different name or slug."
            )
        project = Project(name, slug, organization_id, body.get("projectDescription"))
        if body.get("shouldCreateDefaultEnvs", True):
            for env_name, env_slug in (("Development", "dev"), ("Staging", "staging"), ("Production", "prod")):
                project.add_environment(env_name, env_slug)
        project.members[actor_id] = Member(actor_id, roles_of({"role": "admin"}))
        self.all.append(project)
        return project
