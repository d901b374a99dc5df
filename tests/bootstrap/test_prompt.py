"""A secret that is asked for, at a real terminal: once, and nobody sees the answer."""

from __future__ import annotations

import json
import os
import pty
import sys

from tests.bootstrap.conftest import Machine
from tests.bootstrap.stand_in import StandIn

ANSWER = "what somebody types"


def test_a_prompted_secret_is_asked_for_once(server: StandIn, machine: Machine) -> None:
    assert machine.run("admin") == machine.run("identity") == 0
    file = machine.directory / "resources.json"
    secret = {"environment": "prod", "name": "TOKEN", "value": {"source": "prompt", "text": "Token of the app"}}
    project = {"key": "a", "name": "Apps", "slug": "homelab-apps", "environments": [{"slug": "prod", "name": "Prod"}]}
    file.write_text(json.dumps({"owner": "prod", "projects": [{**project, "secrets": [secret]}]}))
    code, shown = at_a_terminal(machine, "resources", "--file", str(file))
    assert code == 0, shown
    assert "Token of the app: " in shown
    assert ANSWER not in shown
    (made,) = server.instance.projects.all
    assert made.folder("prod", "/")[1].secrets["TOKEN"].value == ANSWER
    assert machine.run("resources", "--file", str(file)) == 0


def at_a_terminal(machine: Machine, *arguments: str) -> tuple[int, str]:
    """Runs a command in a terminal of its own, answers its question, and returns its exit code and what was shown."""
    child, terminal = pty.fork()
    if child == 0:
        environment = {**os.environ, **machine.environment, "XDG_CACHE_HOME": str(machine.directory.parent)}
        command = [sys.executable, "-m", "bootstrap", *arguments, "--directory", str(machine.directory)]
        os.execvpe(command[0], command, environment)  # noqa: S606
    shown = b""
    answered = False
    while True:
        try:
            part = os.read(terminal, 1024)
        except OSError:
            # Linux ends the reading so when the last process at the terminal has ended.
            break
        if not part:
            break
        shown += part
        if b"Token of the app: " in shown and not answered:
            os.write(terminal, f"{ANSWER}\n".encode())
            answered = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()
