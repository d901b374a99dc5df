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
from operations.deployment.holdings import Data
from operations.deployment.policy import guests_lost
from operations.deployment.recreate import Service
from operations.deployment.session import Session, Settings, open_session
from operations.deployment.synthesis import SynthesisError
from operations.deployment.tools import JOBS, Refused
from operations.diagnosis.diagnosis import Diagnosis
from operations.provider_mirror import ProviderMirrorError
from operations.review import Review, ReviewError
from operations.review.rendering.outline import counted
from operations.terraform.process import Interrupted
from operations.terraform.stacks import StackError

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
    allow: Path | None = None,
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
        allow=allow,
    )
    try:
        with open_session(settings, console, progress) as session:
            yield session
    except InvalidEnvironment as error:
        problems = "\n\n".join(render(problem) for problem in error.problems)
        raise CommandError(f"{error}: nothing was deployed\n\n{problems}") from None
    except Interrupted:
        raise CommandError("stopped before anything was changed", exit_code=EXIT_INTERRUPTED) from None
    except (ImageLockError, SynthesisError, ProviderMirrorError, ReviewError, StackError) as error:
        raise CommandError(str(error)) from None


def require_terminal(*, yes: bool) -> None:
    """Raises `UsageError` where somebody would have to be asked and nobody can be."""
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask on\n    fix:      add --yes to go ahead without asking, or "
            "--dry-run to look only"
        )


def yes_or_no(session: Session, *, yes: bool) -> Callable[[Review], bool]:
    """Asks whether the changes are to be made; without asking with ``yes``."""

    def confirm(judged: Review) -> bool:
        if yes:
            return True
        lost = guests_lost(judged)
        warning = f" {lost} {'guest is' if lost == 1 else 'guests are'} DESTROYED." if lost else ""
        what = counted(judged) or "outputs only"
        return typer.confirm(f"\nApply this to {session.environment.name}? {what}.{warning}", err=True)

    return confirm


def typed_service(*, yes: bool) -> Callable[[Service, str], bool]:
    """Asks for the name of a service whose containers lose what they have; without asking with ``yes``."""

    def confirm(service: Service, what: str) -> bool:
        lost = ", ".join(instance.label for instance in service.instances)
        several = "is" if len(service.instances) == 1 else "are each"
        return yes or _typed(service.name, f"{lost} {several} {what}. Type the service's name", "go ahead")

    return confirm


def typed_names(session: Session, *, yes: bool, given: Sequence[str]) -> Callable[[Review, Sequence[Data]], bool]:
    """Asks for the name of the environment, and of everything that holds data, as far as they are not ``given``.

    Args:
        yes: nobody is asked: a name that is missing is an error.
    """

    def confirm(_judged: Review, data: Sequence[Data]) -> bool:
        missing = [item for item in data if item.name not in given]
        if yes and missing:
            raise Refused([_unnamed(missing)])
        name = session.environment.name
        return (name in given or _typed(name, "This can't be undone. Type the environment's name")) and all(
            _typed(item.name, f"{item.label} holds data ({item.why}). Type its name") for item in missing
        )

    return confirm


def _typed(name: str, question: str, what: str = "destroy it") -> bool:
    answer: str = typer.prompt(f"\n{question} ({name}) to {what}", default="", show_default=False, err=True)
    return answer.strip() == name


def _unnamed(missing: Sequence[Data]) -> Diagnosis:
    return Diagnosis(
        "not_named",
        "what holds data is destroyed only by its name",
        found="\n".join(f"{item.label}: {item.why}" for item in missing),
        fix=(f"add {' '.join(f'--confirm {item.name}' for item in missing)}; --backup saves guests before",),
    )
