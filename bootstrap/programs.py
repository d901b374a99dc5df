"""Other programs: `sops`, `age`, and `docker`. Secrets go to them and come back by standard input and output alone."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.redaction import Redactor

PROGRAM_TIMEOUT_SECONDS = 60.0
"""A key in a cloud or on a card can take its time; a program that asks for something would wait for ever."""

_LONGEST_COMPLAINT = 500


@dataclass(frozen=True)
class Ended:
    """How a program ended: what it wrote, and in one line without secrets what it complained about."""

    exit_code: int
    output: str
    complaint: str


def run_program(
    command: Sequence[str], standard_input: str, *, environment: Mapping[str, str], redact: Redactor, install: str
) -> Ended:
    """Runs a program to its end; `install` says how to come by it.

    Raises:
        UsageError: there is no such program, or it can't be run with these arguments.
        BootstrapError: it does not end in `PROGRAM_TIMEOUT_SECONDS`.
    """
    program, content = command[0], standard_input.encode()
    try:
        ended = subprocess.run(
            command,
            input=content,
            env=dict(environment),
            capture_output=True,
            check=False,
            timeout=PROGRAM_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise UsageError(f"{program} is not on PATH", install) from None
    except subprocess.TimeoutExpired:
        raise BootstrapError(
            f"{program} did not end within {PROGRAM_TIMEOUT_SECONDS:g} s", "does it wait for a key or a server?"
        ) from None
    except OSError as error:
        raise UsageError(f"{program} can't be run: {error.strerror}", install) from None
    except ValueError:
        # What no file name and no key can hold.
        raise UsageError(f"{program}: an argument holds a null character", "take it out") from None
    complaint = redact(" ".join(ended.stderr.decode(errors="replace").split()))[:_LONGEST_COMPLAINT]
    return Ended(ended.returncode, ended.stdout.decode(errors="replace"), complaint or f"exit code {ended.returncode}")
