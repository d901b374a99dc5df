"""Processes: what they say, and how a Ctrl-C reaches them once."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from operations.terraform.process import Interrupted, Processes

COUNTS_INTERRUPTS = """
import signal, sys, time
count = 0
def told(*_):
    global count
    count += 1
    print("told", count, flush=True)
signal.signal(signal.SIGINT, told)
print("ready", flush=True)
end = time.monotonic() + 20
while count == 0 and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.5)
print("ended after", count, flush=True)
"""


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_output_error_output_and_code_are_returned(tmp_path: Path) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    finished = Processes().run(python(script), folder=tmp_path, environment=os.environ)
    assert (finished.code, finished.stdout, finished.stderr) == (3, "out\n", "err\n")


def test_lines_are_heard_while_the_process_runs(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    script = "import time; print('first', flush=True); time.sleep(1); print('second', end='')"
    Processes().run(
        python(script),
        folder=tmp_path,
        environment=os.environ,
        on_line=lambda line: heard.append((line, time.monotonic())),
    )
    assert [line for line, _ in heard] == ["first", "second"]
    assert heard[1][1] - heard[0][1] > 0.7


def test_each_run_has_a_temporary_folder_of_its_own_that_is_gone_afterwards(tmp_path: Path) -> None:
    script = "import os; print(os.environ['TMPDIR'])"
    folders = [
        Processes().run(python(script), folder=tmp_path, environment=os.environ).stdout.strip() for _ in range(2)
    ]
    assert folders[0] != folders[1]
    assert not any(Path(folder).exists() for folder in folders)


def test_what_a_process_writes_is_for_its_user_alone(tmp_path: Path) -> None:
    script = "import os; open('state', 'w').close(); os.makedirs('folder/inner')"
    Processes().run(python(script), folder=tmp_path, environment=os.environ)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("state", "folder", "folder/inner")}
    assert modes == {"state": 0o600, "folder": 0o700, "folder/inner": 0o700}


def test_a_terminal_s_interrupt_would_not_reach_the_process_itself(tmp_path: Path) -> None:
    group = Processes().run(python("import os; print(os.getpgrp())"), folder=tmp_path, environment=os.environ).stdout
    assert int(group) != os.getpgrp()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_two_interrupts_are_passed_on_once_and_both_are_told(tmp_path: Path, number: signal.Signals) -> None:
    told: list[tuple[int, int]] = []
    processes = Processes(lambda count, running: told.append((count, len(running))))
    heard: list[str] = []

    def on_line(line: str) -> None:
        heard.append(line)
        if line == "ready":
            threading.Thread(target=interrupt_twice).start()

    def interrupt_twice() -> None:
        os.kill(os.getpid(), number)
        time.sleep(0.2)
        os.kill(os.getpid(), number)

    with processes.passing_signals():
        finished = processes.run(python(COUNTS_INTERRUPTS), folder=tmp_path, environment=os.environ, on_line=on_line)
    assert (heard, finished.code) == (["ready", "told 1", "ended after 1"], 0)
    assert told == [(1, 1), (2, 1)]


def test_after_an_interrupt_nothing_more_is_started(tmp_path: Path) -> None:
    processes = Processes()
    with processes.passing_signals():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            processes.run(python("open('made', 'w')"), folder=tmp_path, environment=os.environ)
    assert not (tmp_path / "made").exists()


def test_signals_are_handled_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Processes().passing_signals():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_the_temporary_folder_is_never_too_deep_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("deep" * 20)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    script = "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind(os.environ['TMPDIR'] + '/plugin1234567890')"
    assert Processes().run(python(script), folder=tmp_path, environment=os.environ).code == 0
