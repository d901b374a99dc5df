"""What holds for every command: options everywhere, exit codes, and no stack trace for what a user can cause."""

from pathlib import Path

import pytest

from operations.command_line import main
from tests.operations.command_line.conftest import Run


def test_without_a_command_there_is_help(homelab: Run) -> None:
    result = homelab()
    assert result.returncode == 0
    assert "Usage: homelab" in result.stdout
    assert "check" in result.stdout
    assert result.stdout == homelab("--help").stdout == homelab("-h").stdout


def test_the_version(homelab: Run) -> None:
    assert homelab("--version").stdout == "homelab 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chek",), "error: No such command 'chek'"),
        (("check", "--wrong"), "error: No such option: --wrong"),
        (("check", "--format", "xml"), "error: Invalid value for '--format'"),
    ],
)
def test_a_wrong_call_ends_with_2(homelab: Run, arguments: tuple[str, ...], message: str) -> None:
    result = homelab(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.endswith("    fix:      run homelab --help\n")


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def check_files(*_: object) -> None:
        raise error

    monkeypatch.setattr("homelab.config.loading.check_files", check_files)


def test_an_unexpected_error_is_one_line_and_what_to_do(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    fails(monkeypatch, RuntimeError("boom\nmore"))
    assert main(["check"]) == 1
    assert capsys.readouterr().err == (
        "error: unexpected RuntimeError: boom\n"
        "    fix:      run it again with --traceback to see where, and report it\n"
    )


@pytest.mark.parametrize("arguments", [["--traceback", "check"], ["check", "--traceback"]])
def test_an_unexpected_error_is_shown_where_one_wants_to_see_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(project)
    fails(monkeypatch, RuntimeError("boom"))
    with pytest.raises(RuntimeError, match="boom"):
        main(arguments)


def test_an_interruption_ends_with_130(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    fails(monkeypatch, KeyboardInterrupt())
    assert main(["check"]) == 130


def test_options_after_two_dashes_are_not_options(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert main(["check", "--", "--traceback"]) == 2
    assert "there is no environment --traceback" in capsys.readouterr().err
