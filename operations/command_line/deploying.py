"""What the commands that change Proxmox have in common: which environment, who is asked, where is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

from homelab.config.image_lock import ImageLockError
from homelab.config.problems import InvalidEnvironment, render
from operations.command_line.errors import CommandError, UsageError
from operations.command_line.project import chosen_files, project_root
from operations.command_line.terminal import may_use_color
from operations.deployment import JOBS
from operations.deployment_review import Change, counts
from operations.deployment_session import Session, Settings, open_session
from operations.deployment_synthesis import SynthesisError
from operations.provider_mirror import ProviderMirrorError
from operations.terraform_process import Interrupted
from operations.terraform_stacks import StackError

EXIT_INTERRUPTED = 130


def consoles(*, json_output: bool = False) -> tuple[Console, Console]:
    """Where results and progress are printed; with JSON on stdout nothing but the document is."""
    color = may_use_color()
    progress = Console(stderr=True, no_color=not color, highlight=False)
    return (Console(file=sys.stdout if not json_output else sys.stderr, no_color=not color, highlight=False), progress)


def chosen_file(environment: str | None) -> Path:
    """The one environment file that is meant.

    Raises:
        UsageError: none is, or several are.
    """
    files = chosen_files([environment] if environment else [], project_root())
    if len(files) > 1:
        names = ", ".join(file.stem for file in files)
        raise UsageError(f"which environment?\n    allowed:  {names}\n    fix:      --environment {files[0].stem}")
    return files[0]


@contextmanager
def session_for(
    environment: str | None,
    *,
    output: Path | None,
    jobs: int | None,
    parallelism: int | None,
    verbose: bool,
    json_output: bool,
) -> Iterator[Session]:
    """A session for the chosen environment; what keeps it from beginning ends the command with a message."""
    console, progress = consoles(json_output=json_output)
    settings = Settings(
        file=chosen_file(environment),
        root=project_root(),
        environ=os.environ,
        output=output,
        jobs=jobs or JOBS,
        parallelism=parallelism,
        verbose=verbose,
    )
    try:
        with open_session(settings, console, progress) as session:
            yield session
    except InvalidEnvironment as error:
        problems = "\n\n".join(render(problem) for problem in error.problems)
        raise CommandError(f"{error}: nothing was deployed\n\n{problems}") from None
    except Interrupted:
        raise CommandError("stopped before anything was changed", exit_code=EXIT_INTERRUPTED) from None
    except (ImageLockError, SynthesisError, ProviderMirrorError, StackError) as error:
        raise CommandError(str(error)) from None


def require_terminal(*, yes: bool) -> None:
    """Raises `UsageError` where somebody would have to be asked and nobody can be."""
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask on\n    fix:      add --yes to go ahead without asking, or "
            "--dry-run to look only"
        )


def yes_or_no(session: Session, *, yes: bool) -> Callable[[Sequence[Change]], bool]:
    """Asks whether the changes are to be made; without asking with ``yes``."""

    def confirm(changes: Sequence[Change]) -> bool:
        if yes:
            return True
        lost = sum(1 for change in changes if change.is_loss and change.resource.is_guest)
        warning = f" {lost} {'guest is' if lost == 1 else 'guests are'} DESTROYED." if lost else ""
        return typer.confirm(
            f"\nApply this to {session.environment.name}? {counts(changes) or 'outputs only'}.{warning}", err=True
        )

    return confirm


def typed_name(session: Session, *, confirmed: bool) -> Callable[[Sequence[Change]], bool]:
    """Asks for the environment's name; without asking when it was given already."""

    def confirm(_changes: Sequence[Change]) -> bool:
        if confirmed:
            return True
        name = session.environment.name
        answer: str = typer.prompt(
            f"\nThis can't be undone. Type the environment's name ({name}) to destroy it",
            default="",
            show_default=False,
            err=True,
        )
        return answer.strip() == name

    return confirm
