"""Problems as text."""

from homelab.config.problems import InvalidEnvironment, Problem, Severity, render


def test_everything_that_is_known_is_said() -> None:
    problem = Problem(
        ("vms", "web", "network", 0, "address"), "too bad", 5, "6 to 7", "write 6", file="dev.yaml", line=3, column=9
    )
    assert render(problem) == (
        "dev.yaml:3:9 error: vms.web.network[0].address\n"
        "    too bad\n    found:    5\n    allowed:  6 to 7\n    fix:      write 6"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert render(Problem((), "too bad", severity=Severity.WARNING)) == "warning:\n    too bad"


def test_values_are_written_as_yaml_has_them() -> None:
    assert "found:    true" in render(Problem((), "x", value=True))
    assert "found:    ''" in render(Problem((), "x", value=""))


def test_long_values_are_shortened() -> None:
    assert "found:    " + "x" * 119 + "…\n" in render(Problem((), "m", "x" * 500, "a")) + "\n"


def test_neither_newlines_nor_escape_sequences_reach_the_terminal() -> None:
    text = render(Problem(("a\x1b[2J",), "b\x07", "first\nsecond\x1b]0;title"))
    assert text == "error: a\\x1b[2J\n    b\\x07\n    found:    first\\nsecond\\x1b]0;title"


def test_an_invalid_environment_counts_its_errors() -> None:
    warning = Problem((), "w", severity=Severity.WARNING)
    assert str(InvalidEnvironment([Problem((), "a"), warning])) == "1 error in the environment"
    assert str(InvalidEnvironment([Problem((), "a"), Problem((), "b")])) == "2 errors in the environment"
