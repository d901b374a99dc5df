"""`python -m bootstrap` as a process: what it offers, what it prints, and what it never shows."""

from __future__ import annotations

import ast
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bootstrap
from bootstrap import errors
from simulator.certificates import make_certificates
from tests.bootstrap.conftest import PASSWORD, Machine, wait_for
from tests.bootstrap.stand_in import Fault, StandIn

PACKAGE = Path(bootstrap.__file__).parent
ROOT = PACKAGE.parent
BOOTSTRAP = "/api/v1/admin/bootstrap"


def process(machine: Machine, *arguments: str) -> subprocess.Popen[str]:
    """Starts the real program with nothing but the machine's environment."""
    environment = {
        **machine.environment,
        "PATH": os.environ["PATH"],
        "HOME": str(machine.directory.parent),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "bootstrap", *arguments],
        cwd=machine.directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_help_offers_what_exists_and_every_exit_code(machine: Machine) -> None:
    with process(machine, "--help") as started:
        out, _ = started.communicate(timeout=120)
    commands = out.partition("Commands:")[2].partition("Exit codes")[0]
    assert re.findall(r"^  ([\w-]+)", commands, re.MULTILINE) == [
        "status",
        "admin",
        "identity",
        "backup-keys",
        "resources",
        "rotate",
    ]
    told = " ".join(out.split())
    assert all(f"{code.value} " in told for code in errors.ExitCode)


def test_the_whole_way_as_real_processes(server: StandIn, machine: Machine) -> None:
    for command, expected in (("status", 8), ("admin", 0), ("identity", 0), ("status", 0), ("admin", 0)):
        with process(machine, command, "--json") as started:
            out, err = started.communicate(timeout=120)
        assert (started.returncode, json.loads(out)["exit_code"]) == (expected, expected), err
    assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600", "infisical_token.auto.tfvars": "600"}
    assert server.instance.bootstraps == 1


def test_of_two_processes_at_once_one_wins_and_the_other_says_so(
    server: StandIn, machine_for: Callable[..., Machine]
) -> None:
    held_back = threading.Event()
    server.fail("POST", BOOTSTRAP, Fault(until=held_back))
    with process(machine_for(server.url, "first"), "admin") as first:
        wait_for(lambda: server.count("POST", BOOTSTRAP) == 1, first)
        second = machine_for(server.url, "second")
        with process(second, "admin") as refused:
            _, err = refused.communicate(timeout=120)
        held_back.set()
        first.communicate(timeout=120)
    assert (first.returncode, refused.returncode) == (0, 7)
    assert f"another bootstrap of {server.url} is running (process {first.pid})" in err
    assert (server.instance.bootstraps, second.files()) == (1, {})


def test_a_process_killed_during_the_bootstrap_is_followed_by_one_that_recovers(
    server: StandIn, machine: Machine
) -> None:
    held_back = threading.Event()
    server.fail("POST", BOOTSTRAP, Fault(until=held_back))
    with process(machine, "admin") as started:
        wait_for(lambda: server.count("POST", BOOTSTRAP) == 1, started)
        started.kill()
        started.communicate(timeout=120)
    held_back.set()
    wait_for(lambda: server.instance.initialized)
    assert machine.run_json("admin")["outcome"] == "recovered"
    assert machine.files() == {"infisical_bootstrap.auto.tfvars": "600"}
    assert server.instance.bootstraps == 1


def test_ctrl_c_while_waiting_ends_without_a_trace(machine_for: Callable[..., Machine]) -> None:
    machine = machine_for("http://127.0.0.1:1")
    with process(machine, "admin") as started:
        assert started.stderr is not None
        assert "waiting for" in started.stderr.readline()
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=120)
    assert started.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def test_no_secret_is_printed_logged_or_in_argv(server: StandIn, machine: Machine) -> None:
    """Every secret there is, looked for in all that a verbose run with faults lets out."""
    server.fail("GET", "/api/v1/admin/config", Fault(status=500, times=1))
    printed: list[str] = []
    arguments: set[str] = set()
    for command in (["admin"], ["identity"], ["status"], ["identity"], ["admin", "--json"]):
        with process(machine, *command, "--verbose") as started:
            watcher = threading.Thread(target=_collect_arguments, args=(started, arguments))
            watcher.start()
            printed += started.communicate(timeout=120)
            watcher.join()
        assert started.returncode == 0
    assert any("bootstrap" in one for one in arguments)
    secrets = {PASSWORD, *server.instance.tokens}
    for identity in server.instance.identities.values():
        if identity.universal_auth:
            secrets |= {one.value for one in identity.universal_auth.client_secrets}
    assert len(secrets) > 3
    everything = "\n".join([*printed, *arguments])
    assert "HTTP 500" in everything
    assert [secret for secret in secrets if secret in everything] == []


def _collect_arguments(started: subprocess.Popen[str], arguments: set[str]) -> None:
    while started.poll() is None:
        try:
            arguments.add(Path(f"/proc/{started.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            return
        time.sleep(0.01)


def test_no_secret_in_the_logs_of_the_libraries_either(
    server: StandIn, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert (machine.run("admin"), machine.run("identity")) == (0, 0)
    assert "httpcore" in caplog.text
    assert [token for token in server.instance.tokens if token in caplog.text] == []
    assert PASSWORD not in caplog.text


def test_a_password_as_an_option_does_not_exist_and_is_not_repeated(machine: Machine) -> None:
    assert machine.run("admin", "--password=hunter22hunter22") == 2
    assert "hunter22" not in machine.err + machine.out


def test_a_missing_domain_says_how_to_name_it(machine: Machine) -> None:
    del machine.environment["INFISICAL_DOMAIN"]
    assert machine.run("status") == 2
    assert "set INFISICAL_DOMAIN or pass --domain" in machine.err


def test_the_official_clis_older_variable_is_understood(machine: Machine) -> None:
    machine.environment["INFISICAL_API_URL"] = machine.environment.pop("INFISICAL_DOMAIN") + "/api"
    assert machine.run("status") == 8


def test_an_option_wins_over_the_environment(machine: Machine) -> None:
    url = machine.environment["INFISICAL_DOMAIN"]
    machine.environment["INFISICAL_DOMAIN"] = "http://127.0.0.1:1"
    assert machine.run("status", "--domain", url) == 8


def test_errors_as_json_are_on_standard_output(machine: Machine) -> None:
    machine.environment["INFISICAL_ADMIN_PASSWORD"] = "short"
    document = machine.run_json("admin")
    assert document == {
        "error": "INFISICAL_ADMIN_PASSWORD has 5 characters",
        "next_step": "use 14 to 100 characters",
        "exit_code": 2,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resources"], "Missing option '--file'."),
        (["status", "--bogus"], "No such option: --bogus"),
        (["admin", "--wait", "soon"], "Invalid value for '--wait'"),
        (["identity", "more"], "unexpected extra argument"),
        (["nothing"], "No such command 'nothing'."),
    ],
)
def test_wrong_options_are_told_as_json_too(arguments: list[str], said: str, machine: Machine) -> None:
    document = machine.run_json(*arguments)
    assert document["exit_code"] == 2
    assert said in document["error"]
    assert document["next_step"] == "run it with --help"
    assert machine.err == ""


def test_a_wrong_option_without_json_shows_the_usage(machine: Machine) -> None:
    assert machine.run("status", "--bogus") == 2
    assert machine.out == ""
    assert machine.err.startswith("Usage: python -m bootstrap status")


def test_a_fault_of_the_program_is_one_line(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"unexpected {PASSWORD}")

    monkeypatch.setattr("bootstrap.command_line.status_of", broken)
    assert machine.run("status") == 1
    assert machine.err.startswith("error: unexpected RuntimeError: unexpected [redacted]\nnext: ")


@pytest.mark.parametrize("by", ["option", "variable"])
def test_https_with_an_own_authority(
    start: Callable[..., StandIn], machine_for: Callable[..., Machine], tmp_path: Path, by: str
) -> None:
    authority, context = make_certificates(tmp_path, "127.0.0.9")
    machine = machine_for(start(tls=context).url)
    assert machine.run("admin") == 3
    assert "its certificate is not trusted" in machine.err
    if by == "variable":
        machine.environment["INFISICAL_CA_CERTIFICATE"] = str(authority)
        assert machine.run("admin") == 0
    else:
        assert machine.run("admin", "--ca-certificate", str(authority)) == 0


def test_plain_http_across_a_network_is_warned_of(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.run("admin") == 0
    assert "not encrypted" not in machine.err
    monkeypatch.setattr("bootstrap.command_surroundings.crosses_network_in_clear", lambda _: True)
    assert machine.run("admin") == 0
    assert "is not encrypted" in machine.err


def modules() -> list[Path]:
    return sorted(PACKAGE.glob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.name)
def test_it_stands_alone_and_reads_the_environment_in_one_place(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    tops = {name.split(".")[0] for name in imported}
    assert tops <= {"bootstrap", "httpx", "pydantic", "typer", *sys.stdlib_module_names}
    reads = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"environ", "getenv"}
    assert not reads or path.name == "__main__.py"
