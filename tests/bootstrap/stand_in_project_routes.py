"""The routes of the stand-in Infisical server about projects and what is in them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.bootstrap.stand_in_instance import Instance, Token
from tests.bootstrap.stand_in_projects import (
    Environment,
    Folder,
    Member,
    Project,
    Secret,
    roles_of,
    stored,
)
from tests.bootstrap.stand_in_refusals import RefusedError, bad_request, invalid, not_found

Handler = Callable[[web.Request], Awaitable[dict[str, Any] | None]]

_REFERENCE = re.compile(r"\$\{([a-zA-Z0-9-_.@]+)\}")


class ProjectRoutes:
    """What each route does to an instance's projects and answers."""

    def __init__(self, instance: Instance, organization_token: Callable[[web.Request], Token]) -> None:
        self.instance = instance
        self._organization_token = organization_token

    def table(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler of every route."""
        project = "/api/v1/projects/{project_id}"
        member = f"{project}/memberships/identities/{{identity_id}}"
        return [
            ("GET", "/api/v1/projects", self._projects),
            ("POST", "/api/v1/projects", self._create_project),
            ("GET", "/api/v1/projects/slug/{slug}", self._project_by_slug),
            ("PATCH", project, self._update_project),
            ("POST", f"{project}/environments", self._create_environment),
            ("PATCH", f"{project}/environments/{{environment_id}}", self._update_environment),
            ("GET", f"{project}/memberships/identities", self._members),
            ("POST", member, self._add_member),
            ("PATCH", member, self._update_member),
            ("DELETE", member, self._delete_member),
            ("GET", "/api/v2/folders", self._folders),
            ("POST", "/api/v2/folders", self._create_folder),
            ("DELETE", "/api/v2/folders/{folder_id}", self._delete_folder),
            ("GET", "/api/v4/secrets", self._secrets),
            ("POST", "/api/v4/secrets/batch", self._create_secrets),
            ("PATCH", "/api/v4/secrets/batch", self._update_secrets),
            ("DELETE", "/api/v4/secrets/batch", self._delete_secrets),
        ]

    def _actor(self, request: web.Request) -> tuple[Token, str]:
        token = self._organization_token(request)
        return token, str(token.identity_id or token.user_id)

    def _project(self, request: web.Request, project_id: str, action: str, subject: str) -> Project:
        _, actor = self._actor(request)
        project = self.instance.projects.by_id(project_id)
        project.require(actor, action, subject)
        return project

    async def _projects(self, request: web.Request) -> dict[str, Any]:
        token, actor = self._actor(request)
        return {
            "projects": [
                self._document(project)
                for project in self.instance.projects.all
                if actor in project.members and project.organization_id == token.organization_id
            ]
        }

    async def _create_project(self, request: web.Request) -> dict[str, Any]:
        token, actor = self._actor(request)
        project = self.instance.projects.add(await request.json(), str(token.organization_id), actor)
        return {"project": self._document(project)}

    async def _project_by_slug(self, request: web.Request) -> dict[str, Any]:
        token, actor = self._actor(request)
        project = self.instance.projects.by_slug(request.match_info["slug"], str(token.organization_id))
        project.require(actor, "read", "project")
        return self._document(project)

    async def _update_project(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "edit", "settings")
        body = await request.json()
        project.name = body.get("name", project.name).strip()
        project.description = body.get("description", project.description or "").strip()
        document = self._document(project)
        return {
            "project": {key: document[key] for key in document.keys() - {"environments", "deletedEnvironments", "_id"}}
        }

    async def _create_environment(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "create", "environments")
        body = await request.json()
        made = project.add_environment(body["name"], body["slug"])
        return self._environment_answer(project, made, "Successfully created new environment")

    async def _update_environment(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "edit", "environments")
        for environment in project.environments:
            if environment.id == request.match_info["environment_id"]:
                environment.name = (await request.json()).get("name", environment.name)
                return self._environment_answer(project, environment, "Successfully updated environment")
        raise not_found("Environment not found")

    def _environment_answer(self, project: Project, environment: Environment, message: str) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "message": message,
            "projectId": project.id,
            "environment": {
                "id": environment.id,
                "name": environment.name,
                "slug": environment.slug,
                "position": environment.position,
                "projectId": project.id,
                "createdAt": moment,
                "updatedAt": moment,
            },
        }

    async def _members(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "read", "member")
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 20))
        members = [one for one in project.members.values() if one.actor_id in self.instance.identities]
        return {
            "identityMemberships": [self._member_document(one) for one in members[offset : offset + limit]],
            "totalCount": len(members),
        }

    def _member_document(self, member: Member) -> dict[str, Any]:
        identity = self.instance.identities[member.actor_id]
        moment = self.instance.moment()
        return {
            "id": member.id,
            "identityId": identity.id,
            "createdAt": moment,
            "updatedAt": moment,
            "roles": member.roles,
            "identity": {
                "name": identity.name,
                "id": identity.id,
                "orgId": identity.organization_id,
                "authMethods": ["universal-auth"] if identity.universal_auth else [],
                "activeLockoutAuthMethods": [],
            },
        }

    async def _add_member(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "create", "member")
        identity_id = request.match_info["identity_id"]
        identity = self.instance.identities.get(identity_id)
        if identity is None or identity.organization_id != project.organization_id:
            raise not_found(f"Failed to find identity with ID {identity_id}")
        if identity_id in project.members:
            raise bad_request("Identity is already a member")
        project.members[identity_id] = Member(identity_id, roles_of(await request.json()))
        return self._membership_answer(project, project.members[identity_id])

    async def _update_member(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "edit", "member")
        member = self._member_of(project, request)
        member.roles = roles_of(await request.json())
        return self._membership_answer(project, member)

    async def _delete_member(self, request: web.Request) -> dict[str, Any]:
        project = self._project(request, request.match_info["project_id"], "delete", "member")
        member = self._member_of(project, request)
        del project.members[member.actor_id]
        return self._membership_answer(project, member)

    def _member_of(self, project: Project, request: web.Request) -> Member:
        identity_id = request.match_info["identity_id"]
        if identity_id not in project.members:
            raise not_found(f"Identity with ID {identity_id} is not a member of project with ID {project.id}")
        return project.members[identity_id]

    def _membership_answer(self, project: Project, member: Member) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "identityMembership": {
                "id": member.id,
                "projectId": project.id,
                "identityId": member.actor_id,
                "createdAt": moment,
                "updatedAt": moment,
            }
        }

    async def _folders(self, request: web.Request) -> dict[str, Any]:
        query = request.query
        project = self._project(request, query["projectId"], "read", "secret-folders")
        environment = project.environment(query["environment"])
        if environment is None:
            raise not_found(f"Environment with slug '{query['environment']}' not found")
        start = environment.at(query["path"])
        if start is None:
            return {"folders": []}
        if query.get("recursive") == "true":
            found = [(one, environment.path_of(one)) for one in environment.below(start)]
            return {"folders": [{**self._folder(environment, one), "relativePath": path} for one, path in found]}
        children = [one for one in environment.folders.values() if one.parent_id == start.id]
        return {"folders": [self._folder(environment, one) for one in children]}

    def _folder(self, environment: Environment, folder: Folder) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "id": folder.id,
            "name": folder.name,
            "version": 1,
            "createdAt": moment,
            "updatedAt": moment,
            "envId": environment.id,
            "parentId": folder.parent_id,
            "isReserved": False,
            "description": folder.description,
            "lastSecretModified": None,
        }

    async def _create_folder(self, request: web.Request) -> dict[str, Any]:
        body = await request.json()
        project = self._project(request, body["projectId"], "create", "secret-folders")
        environment = project.environment(body["environment"])
        if environment is None:
            raise not_found(
                f"Environment with slug '{body['environment']}' in project with ID '{project.id}' not found"
            )
        path = f"{body.get('path', '/').rstrip('/')}/{body['name']}"
        folder = environment.add_folder(path, body.get("description"))
        return {"folder": {**self._folder(environment, folder), "path": environment.path_of(folder)}}

    async def _delete_folder(self, request: web.Request) -> dict[str, Any]:
        body = await request.json()
        project = self._project(request, body["projectId"], "delete", "secret-folders")
        environment, parent = project.folder(body["environment"], body.get("path", "/"))
        wanted = request.match_info["folder_id"]
        for folder in list(environment.folders.values()):
            if folder.parent_id == parent.id and wanted in {folder.id, folder.name}:
                inside = folder.secrets or folder.dynamic_secret or any(environment.below(folder))
                if inside and not body.get("forceDelete", False):
                    message = f'Cannot delete folder "{folder.name}" because it contains resources.'
                    raise RefusedError(400, "deleteFolder", f"{message} Use forceDelete=true to delete it forcefully.")
                for one in [folder, *environment.below(folder)]:
                    del environment.folders[one.id]
                return {"folder": self._folder(environment, folder)}
        raise not_found(f"Folder with ID '{wanted}' not found")

    async def _secrets(self, request: web.Request) -> dict[str, Any]:
        query = request.query
        project = self._project(request, query["projectId"], "read", "secrets")
        environment, start = project.folder(query["environment"], query.get("secretPath", "/"))
        folders = [start, *(environment.below(start) if query.get("recursive") == "true" else ())]
        expand = query.get("expandSecretReferences", "true") == "true"
        return {
            "secrets": [
                {
                    **self._secret(project, environment, one),
                    "secretValue": self._expanded(folder, one.value) if expand else one.value,
                    "secretPath": environment.path_of(folder),
                    "secretValueHidden": False,
                    "secretMetadata": one.metadata,
                    "tags": [],
                }
                for folder in folders
                for one in folder.secrets.values()
            ],
            "imports": [],
        }

    def _expanded(self, folder: Folder, value: str) -> str:
        return _REFERENCE.sub(lambda found: folder.secrets[found[1]].value if found[1] in folder.secrets else "", value)

    def _secret(self, project: Project, environment: Environment, secret: Secret) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "id": secret.id,
            "_id": secret.id,
            "workspace": project.id,
            "environment": environment.slug,
            "version": secret.version,
            "type": "shared",
            "secretKey": secret.name,
            "secretValue": secret.value,
            "secretComment": secret.comment,
            "secretReminderNote": None,
            "secretReminderRepeatDays": None,
            "skipMultilineEncoding": False,
            "createdAt": moment,
            "updatedAt": moment,
        }

    async def _secret_batch(
        self, request: web.Request, action: str
    ) -> tuple[dict[str, Any], Project, Environment, Folder]:
        body = await request.json()
        project = self._project(request, body["projectId"], action, "secrets")
        environment, folder = project.folder(body["environment"], body.get("secretPath", "/"), "CreateSecret")
        for index, one in enumerate(body["secrets"]):
            if set(one["secretKey"]) & set(":/"):
                raise invalid(["secrets", index, "secretKey"], "Secret name cannot contain colon or slash.")
        return body, project, environment, folder

    def _checked(self, folder: Folder, value: str) -> str:
        missing = [found for found in _REFERENCE.findall(value) if "." not in found and found not in folder.secrets]
        if missing:
            raise bad_request(f"Referenced secret(s) not found: {','.join(missing)}")
        return stored(value)

    def _approval(self, folder: Folder) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "approval": {
                "id": str(uuid.uuid4()),
                "policyId": str(uuid.uuid4()),
                "hasMerged": False,
                "status": "open",
                "slug": "waiting-for-somebody",
                "folderId": folder.id,
                "createdAt": moment,
                "updatedAt": moment,
            }
        }

    async def _create_secrets(self, request: web.Request) -> dict[str, Any]:
        body, project, environment, folder = await self._secret_batch(request, "create")
        for one in body["secrets"]:
            if one["secretKey"] in folder.secrets:
                raise bad_request("Secret already exists")
        if folder.approval_policy:
            return self._approval(folder)
        made = [
            Secret(
                one["secretKey"],
                self._checked(folder, one["secretValue"]),
                one.get("secretComment", "").strip(),
                one.get("secretMetadata", []),
            )
            for one in body["secrets"]
        ]
        folder.secrets.update({one.name: one for one in made})
        return {"secrets": [self._secret(project, environment, one) for one in made]}

    async def _update_secrets(self, request: web.Request) -> dict[str, Any]:
        body, project, environment, folder = await self._secret_batch(request, "edit")
        mode = body.get("mode", "failOnNotFound")
        missing = [one["secretKey"] for one in body["secrets"] if one["secretKey"] not in folder.secrets]
        if missing and mode == "failOnNotFound":
            raise not_found(f"Secret does not exist: {', '.join(missing)}")
        if folder.approval_policy:
            return self._approval(folder)
        changed = []
        for one in body["secrets"]:
            secret = folder.secrets.get(one["secretKey"])
            if secret is None and mode == "ignore":
                continue
            if secret is None:
                secret = folder.secrets[one["secretKey"]] = Secret(one["secretKey"], "", version=0)
            secret.version += 1
            secret.value = self._checked(folder, one.get("secretValue", secret.value))
            secret.comment = one.get("secretComment", secret.comment).strip()
            secret.metadata = one.get("secretMetadata", secret.metadata)
            changed.append({**self._secret(project, environment, secret), "secretValueHidden": False})
        return {"secrets": changed}

    async def _delete_secrets(self, request: web.Request) -> dict[str, Any]:
        body, project, environment, folder = await self._secret_batch(request, "delete")
        names = [one["secretKey"] for one in body["secrets"]]
        missing = [name for name in names if name not in folder.secrets]
        if missing:
            raise not_found(f"Secret does not exist: {', '.join(missing)}")
        if folder.approval_policy:
            return self._approval(folder)
        deleted = [folder.secrets.pop(name) for name in names]
        return {"secrets": [{**self._secret(project, environment, one), "secretValueHidden": False} for one in deleted]}

    def _document(self, project: Project) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "id": project.id,
            "_id": project.id,
            "name": project.name,
            "description": project.description,
            "type": "secret-manager",
            "slug": project.slug,
            "autoCapitalization": False,
            "orgId": project.organization_id,
            "createdAt": moment,
            "updatedAt": moment,
            "version": 3,
            "pitVersionLimit": 10,
            "hasDeleteProtection": False,
            "environments": [{"name": one.name, "slug": one.slug, "id": one.id} for one in project.environments],
            "deletedEnvironments": [],
        }
