"""Gitea in a real guest with its data in the environment's PostgreSQL in another.

The program is built from its Go module; only its download and the scripts of its pages are not those of the vendor.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.go_programs.build import FOLDER, go_program
from tests.real_guests.guests import RealGuest, real_guests
from tests.services.real_services import RealServices, random_word
from tests.services.recorded import locked

# Building the program takes minutes the first time.
pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(2700)]


def put(guest: RealGuest, source: Path, target: str) -> None:
    """Copies a file or a folder into a guest that runs."""
    inside = guest.container.root / target.lstrip("/")
    inside.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, inside)
    else:
        shutil.copy(source, inside)


def pages() -> Path:
    """The templates of the module, which the vendor's program has inside."""
    done = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", "code.gitea.io/gitea"],
        cwd=FOLDER / "gitea",
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


def api(guest: RealGuest, method: str, path: str, user: str, body: object = None) -> str:
    """What Gitea's API answers."""
    data = "" if body is None else f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    command = f"curl -sf -m 30 -K - -X {method} {data} http://{guest.address}:3000/api/v1{path}"
    return guest.run(command, stdin=f'user = "{user}"\n').stdout


def test_it_keeps_repositories_in_postgresql() -> None:
    program = go_program("gitea")
    with real_guests("postgresql-db", "gitea") as (database, gitea):
        services = RealServices(
            {"postgresql": {}, "gitea": {"database": "postgresql"}},
            {"postgresql": database, "gitea": gitea},
            locked("gitea", hashlib.sha256(program.read_bytes()).hexdigest()),
        )
        services.install("postgresql", database)
        services.configure("postgresql", database)
        put(gitea, program, "/usr/local/bin/gitea")
        services.install("gitea", gitea)
        for folder in ("templates", "options", "public"):
            put(gitea, pages() / folder, f"/var/lib/gitea/{folder}")
        services.configure("gitea", gitea)

        user = f"gitadmin:{services.secrets['gitea/admin']}"
        assert json.loads(api(gitea, "GET", "/user", user))["is_admin"]
        assert json.loads(api(gitea, "GET", "/users/gitadmin/tokens", user)) == []
        assert api(gitea, "GET", "/user", "gitadmin:wrong-password") == ""
        name = random_word()
        api(gitea, "POST", "/user/repos", user, {"name": name, "auto_init": True, "default_branch": "main"})
        cloned = gitea.run(
            f"umask 077; echo 'http://{user}@127.0.0.1:3000' >/root/.git-credentials && cd /root && "
            f"git -c credential.helper=store clone -q http://127.0.0.1:3000/gitadmin/{name} && ls {name}; "
            "rm /root/.git-credentials"
        )
        assert cloned.stdout == "README.md\n", cloned.stderr
        # Nobody makes an account, and nobody reads without one.
        form = gitea.run(f"curl -s -o /dev/null -w '%{{http_code}}' http://{gitea.address}:3000/api/v1/repos/search")
        assert form.stdout in {"401", "403"}
        assert services.leaks(gitea) == ""
        assert services.leaks(database) == ""

        gitea.reboot()
        assert services.is_at_rest("gitea", gitea)
        assert name in api(gitea, "GET", "/user/repos", user)
