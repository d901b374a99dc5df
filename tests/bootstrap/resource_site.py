"""A document, a machine that has it, and the instance it is for."""

from __future__ import annotations

import json
from typing import Any

from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import StandIn
from tests.bootstrap.stand_in_instance import Identity
from tests.bootstrap.stand_in_projects import Project

PROJECTS = "/api/v1/projects"
BATCH = "/api/v4/secrets/batch"
GENERATED = {"source": "generated", "kind": "password", "length": 32}


def document() -> dict[str, Any]:
    return {
        "owner": "prod",
        "projects": [
            {
                "key": "apps",
                "name": "Apps",
                "slug": "homelab-apps",
                "description": "Secrets of the apps",
                "environments": [{"slug": "prod", "name": "Production"}],
                "folders": [{"environment": "prod", "path": "/empty"}],
                "secrets": [
                    {"environment": "prod", "path": "/db/main", "name": "PASSWORD", "value": GENERATED},
                    {
                        "environment": "prod",
                        "name": "TOKEN",
                        "value": {"source": "environment", "variable": "APP_TOKEN"},
                        "comment": "of the app",
                    },
                ],
            }
        ],
        "identities": [{"name": "ci", "role": "member", "projects": [{"project": "apps", "role": "viewer"}]}],
    }


class Site:
    """A machine with a document, and the instance it is for."""

    def __init__(self, server: StandIn, machine: Machine) -> None:
        self.server = server
        self.machine = machine
        self.wanted = document()
        machine.environment["APP_TOKEN"] = "the value of the token"
        assert machine.run("admin") == machine.run("identity") == 0
        server.calls.clear()

    def run(self, *arguments: str) -> dict[str, Any]:
        file = self.machine.directory.parent / "resources.json"
        file.write_text(json.dumps(self.wanted))
        return self.machine.run_json("resources", "--file", str(file), *arguments)

    def changes(self, *arguments: str) -> list[str]:
        ran = self.run(*arguments)
        assert "changes" in ran, ran
        return [f"{one['action']} {one['kind']} {one['name']} {one['detail']}".strip() for one in ran["changes"]]

    @property
    def project(self) -> Project:
        (project,) = self.server.instance.projects.all
        return project

    def secret(self, path: str, name: str) -> str:
        return self.project.folder("prod", path)[1].secrets[name].value

    def identity(self, name: str) -> Identity:
        (identity,) = (one for one in self.server.instance.identities.values() if one.name == name)
        return identity

    @property
    def first_secrets(self) -> list[dict[str, Any]]:
        secrets: list[dict[str, Any]] = self.wanted["projects"][0]["secrets"]
        return secrets
