"""What can be wrong with an environment, said so that a person can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a problem weighs: an error stops synthesis, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Refused(ValueError):
    """A value that a model refuses, with what is allowed instead and what to write.

    Raised inside pydantic validators; the loader turns it into a ``Problem`` with its place. With ``secret`` the value
    is not shown.
    """

    def __init__(self, message: str, *, allowed: str = "", fix: str = "", secret: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.allowed = allowed
        self.fix = fix
        self.secret = secret


Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what was written, what is allowed and what to do next.

    ``path`` is the key path inside the file. ``file``, ``line`` and ``column`` (both from 1) are filled in by the
    loader; they stay empty for an environment built in Python. ``refers_to`` is the path of the other entry that the
    problem is about, such as the network that a guest names: when that entry has errors of its own, only those are
    reported.
    """

    path: Path
    message: str
    value: Any = None
    allowed: str = ""
    fix: str = ""
    severity: Severity = Severity.ERROR
    refers_to: Path = ()
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def key_path(self) -> str:
        """The key path as people write it: ``vms.web.network[0].address``."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
        return text

    @property
    def place(self) -> str:
        """``file:line:column``, or as much of it as is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


class InvalidEnvironment(Exception):
    """An environment that can't be synthesized; ``problems`` holds every error and warning found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        errors = len(errors_of(self.problems))
        super().__init__(f"{errors} {'error' if errors == 1 else 'errors'} in the environment")


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Those of ``problems`` that stop synthesis."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def render(problem: Problem) -> str:
    """``problem`` as lines of plain text for a terminal."""
    head = " ".join(part for part in (problem.place, f"{problem.severity}:", problem.key_path) if part)
    lines = [head, f"    {problem.message}"]
    if problem.value is not None:
        lines.append(f"    found:    {_shorten(problem.value)}")
    if problem.allowed:
        lines.append(f"    allowed:  {problem.allowed}")
    if problem.fix:
        lines.append(f"    fix:      {problem.fix}")
    return "\n".join(_printable(line) for line in lines)


def _printable(line: str) -> str:
    # A value can hold newlines and escape sequences, which neither break the layout nor reach the terminal.
    return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def _shorten(value: Any, limit: int = 120) -> str:
    text = value or "''" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
