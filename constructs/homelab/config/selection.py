"""Which environment files are meant: all of a project, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

FOLDER = "environments"
ENDINGS = (".yaml", ".yml")


class SelectionError(Exception):
    """A name or path that stands for no environment file; the message lists what there is."""


def names_in(text: str) -> list[str]:
    """The names and paths that ``text`` lists with commas, as ``HOMELAB_ENVIRONMENTS`` does."""
    return [name for part in text.split(",") if (name := part.strip())]


def seen_from_here(path: Path) -> Path:
    """``path`` relative to the current folder where it is inside of it, as messages should name it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def environment_files(root: Path) -> list[Path]:
    """The environment files of the project at ``root``: ``environments/*.yaml`` and ``*.yml``, sorted by name."""
    folder = root / FOLDER
    files = [path for path in folder.iterdir() if path.suffix in ENDINGS and path.is_file()] if folder.is_dir() else []
    return sorted((path for path in files if not path.name.startswith(".")), key=lambda path: (path.stem, path.suffix))


def select_files(names_or_paths: Sequence[str], root: Path) -> list[Path]:
    """The files that are meant, each once and in the given order; all of the project's when nothing is named.

    What ends with ``.yaml`` or ``.yml`` or has a ``/`` is a path, relative to the current folder or else to ``root``;
    anything else is the name of an environment in ``environments/``.

    Raises:
        SelectionError: there is no such environment or file, or the project has none at all, or two of one name.
    """
    files = environment_files(root)
    selected = [_named(text, files, root) for text in names_or_paths] if names_or_paths else files
    if not selected:
        raise SelectionError(
            f"there is no environment in {root / FOLDER}\n"
            f"    fix:      copy a file from examples/ there; its name becomes the environment's name"
        )
    unique: dict[Path, Path] = {}
    for path in selected:
        unique.setdefault(path.resolve(), path)
    by_name: dict[str, Path] = {}
    for path in unique.values():
        other = by_name.setdefault(path.stem, path)
        if other is not path:
            raise SelectionError(
                f"{other} and {path} are both environment {path.stem}\n"
                "    fix:      rename one of the two, or name only one"
            )
    return list(unique.values())


def _named(text: str, files: Sequence[Path], root: Path) -> Path:
    if "/" in text or text.endswith(ENDINGS):
        given = Path(text)
        found = next((path for path in (given, root / given) if path.exists()), None)
        if found is not None:
            return found
        wanted = given.stem
    else:
        found = next((path for path in files if path.stem == text), None)
        if found is not None:
            return found
        wanted = text
    names = [path.stem for path in files]
    near = get_close_matches(wanted, names, n=1, cutoff=0.5)
    what = "file" if wanted != text else "environment"
    lines = [
        f"there is no {what} {text}",
        f"    allowed:  {', '.join(names) or f'no environment is in {root / FOLDER}'}",
        f"    fix:      {f'did you mean {near[0]}?' if near else 'name one of them, or the path of a YAML file'}",
    ]
    raise SelectionError("\n".join(lines))
