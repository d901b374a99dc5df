"""The commands of ``homelab``, and what happens when one of them fails.

A command is a module that ends with ``_command``: a function with typed options that imports what it needs when it
runs, so that ``homelab check`` doesn't pay for what ``homelab deploy`` needs. To add one, write the module and name
its function in ``_add_commands``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from operations.command_line import (
    adopt_command,
    capacity_command,
    check_command,
    deploy_command,
    destroy_command,
    diff_command,
    doctor_command,
    images_command,
    migrate_command,
    moves_command,
    place_command,
    review_command,
    schema_command,
    services_command,
    topology_command,
)
from operations.command_line.errors import CommandError
from operations.command_line.terminal import error_lines, use_color

EXIT_INTERRUPTED = 130
_EVERYWHERE = ("--traceback", "--no-color")

application = typer.Typer(
    name="homelab",
    help="A Proxmox VE homelab as code: check it, plan it, deploy it.",
    add_completion=False,
    # Without rich, which alone takes longer to import than a check takes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add_commands() -> None:
    application.command("check")(check_command.check)
    application.command("schema")(schema_command.schema)
    application.command("doctor")(doctor_command.doctor)
    application.command("adopt")(adopt_command.adopt)
    application.command("moves")(moves_command.moves)
    application.command("deploy")(deploy_command.deploy)
    application.command("destroy")(destroy_command.destroy)
    application.command("migrate")(migrate_command.migrate)
    application.command("place")(place_command.place)
    application.command("review", cls=review_command.ReviewCommand)(review_command.review)
    application.command("topology")(topology_command.topology)
    application.command("capacity")(capacity_command.capacity)
    application.command("diff", cls=review_command.ReviewCommand)(diff_command.diff)
    application.add_typer(images_command.images, name="images")
    application.add_typer(services_command.services, name="services")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"homelab {version('homelab')}")
        raise typer.Exit


@application.callback()
def _options(
    *,
    version: Annotated[  # noqa: ARG001 (its callback does the work)
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Write no colours; so does NO_COLOR.")] = False,
    traceback: Annotated[  # noqa: ARG001 (`main` looks at the arguments itself)
        bool, typer.Option("--traceback", help="Show where in the program an unexpected error happened.")
    ] = False,
) -> None:
    use_color(wanted=not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


_add_commands()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``homelab`` with ``arguments`` (those of the process) and return its exit code.

    0 went well, 1 found or met an error, 2 was called wrongly, 130 was interrupted. What a user can cause is said in
    a few lines; a stack trace comes with ``--traceback`` only.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = _with_options_first(given) or ["--help"]
    try:
        code = application(words, prog_name="homelab", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        print("\ninterrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except CommandError as error:
        print(error_lines(str(error)), file=sys.stderr)
        return error.exit_code
    except typer.TyperException as error:
        print(error_lines(f"{error.format_message()}\n    fix:      run homelab --help"), file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if "--traceback" in words:
            raise
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        print(
            error_lines(f"unexpected {what}\n    fix:      run it again with --traceback to see where, and report it"),
            file=sys.stderr,
        )
        return 1
    return code if isinstance(code, int) else 0


def _with_options_first(arguments: list[str]) -> list[str]:
    """``arguments`` with the options of ``homelab`` itself before the command, wherever they were written."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    ours = [word for word in arguments[:end] if word in _EVERYWHERE]
    return [*ours, *(word for word in arguments[:end] if word not in _EVERYWHERE), *arguments[end:]]
