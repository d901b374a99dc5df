"""Probes: what counts as an answer, how long it is waited for, and what is said when none comes."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from operations.deployment.probes import Failed, Probe, Prober, no_answer, probes_in
from operations.terraform.process import Interrupted, Processes


@pytest.fixture
def prober(tmp_path: Path) -> Prober:
    return Prober(Processes(), os.environ, tmp_path)


class Answers(BaseHTTPRequestHandler):
    """Answers with the statuses of the server, the last one for ever."""

    def do_GET(self) -> None:
        statuses = self.server.statuses  # type: ignore[attr-defined]
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def web(server: HTTPServer, *statuses: int, seconds: float = 5) -> Probe:
    server.statuses = list(statuses)  # type: ignore[attr-defined]
    return Probe("the page", url=f"http://127.0.0.1:{server.server_port}/", timeout_seconds=seconds)


def test_an_output_becomes_probes() -> None:
    entry = {"name": "gitea", "url": "http://x", "tcp": None, "command": None, "timeout_seconds": 9, "repeat": ["a.b"]}
    assert probes_in({"probes": [entry]}) == [Probe("gitea", url="http://x", timeout_seconds=9.0, repeat=("a.b",))]
    assert probes_in({}) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "x"}, "needs a name and one of url, tcp and command"),
        ({"name": "x", "url": "http://x", "tcp": "x:1"}, "needs a name and one of"),
        ({"url": "http://x"}, "needs a name"),
        ({"name": "x", "tcp": "x"}, "tcp of the probe x is host:port, not x"),
    ],
)
def test_what_is_no_probe_is_refused(entry: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probes_in({"probes": [entry]})


@pytest.mark.parametrize("status", [200, 302, 401, 403])
def test_a_page_or_a_login_is_an_answer(prober: Prober, server: HTTPServer, status: int) -> None:
    assert prober.run(web(server, status)) is None


def test_it_is_waited_for_what_is_not_ready_yet(prober: Prober, server: HTTPServer) -> None:
    assert prober.run(web(server, 503, 404, 500, 200)) is None
    assert server.statuses == [200]  # type: ignore[attr-defined]


def test_what_it_said_last_is_the_reason(prober: Prober, server: HTTPServer) -> None:
    failed = prober.run(web(server, 503, seconds=0.3))
    assert failed is not None
    assert failed.reason == "HTTP 503 Service Unavailable"
    said = no_answer(failed, "lab-service-gitea", repeated=False).render()
    assert said.startswith("the page does not answer\n    where:    stack lab-service-gitea")
    assert "an answer within 0.3 s" in said


def test_a_port_that_listens_answers_and_one_that_does_not_says_so(prober: Prober) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert prober.run(Probe("ssh", tcp=f"127.0.0.1:{port}")) is None
    failed = prober.run(Probe("ssh", tcp=f"127.0.0.1:{port}", timeout_seconds=0.1))
    assert failed is not None
    assert "Connection refused" in failed.reason


def test_a_command_answers_by_its_exit_code(prober: Prober) -> None:
    (prober.root / "asked.py").write_text("import sys; sys.exit(sys.argv[1:] != ['a'] and 'not yet')", encoding="utf-8")
    assert prober.run(Probe("x", command=("asked", "a"))) is None
    failed = prober.run(Probe("x", command=("asked", "b"), timeout_seconds=0.1))
    assert failed == Failed(Probe("x", command=("asked", "b"), timeout_seconds=0.1), "not yet")


def test_all_that_a_command_said_is_shown(prober: Prober) -> None:
    script = "import sys; print('ready    yes\\nproblem  no administrator\\n'); sys.exit('warning: not encrypted')"
    (prober.root / "says.py").write_text(script, encoding="utf-8")
    failed = prober.run(Probe("administrator", command=("says",), timeout_seconds=0))
    assert failed is not None
    said = no_answer(failed, "lab-secrets-bootstrap", repeated=True).render().splitlines()
    assert said[2:6] == [
        "    found:    python -m says:",
        "              ready    yes",
        "              problem  no administrator",
        "              warning: not encrypted",
    ]


def test_a_command_that_says_too_much_is_quoted_from_the_end(prober: Prober) -> None:
    (prober.root / "talks.py").write_text("print(*range(100), sep='\\n'); raise SystemExit(1)", encoding="utf-8")
    failed = prober.run(Probe("x", command=("talks",), timeout_seconds=0))
    assert failed is not None
    assert failed.reason.splitlines() == [str(number) for number in range(85, 100)]


def test_a_command_that_hangs_is_ended(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.deployment.probes.ATTEMPT_SECONDS", 0.3)
    (prober.root / "hangs.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    failed = prober.run(Probe("x", command=("hangs",), timeout_seconds=0.1))
    assert failed is not None
    assert failed.reason == "it ended with -9"


def test_a_secret_in_a_reason_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "says.py").write_text("import sys, os; sys.exit(os.environ['SOME_TOKEN'])", encoding="utf-8")
    prober = Prober(Processes(), {**os.environ, "SOME_TOKEN": "canary-7f3a"}, tmp_path)
    failed = prober.run(Probe("x", command=("says",), timeout_seconds=0))
    assert failed is not None
    assert failed.reason == "***"


def test_a_ctrl_c_ends_the_waiting(prober: Prober) -> None:
    prober.processes.interruptions = 1
    with pytest.raises(Interrupted):
        prober.run(Probe("x", tcp="127.0.0.1:1"))
