"""The cdktf app: ``cdktf synth``, ``cdktf diff`` and ``cdktf deploy`` run this file.

It synthesizes every file in ``environments/``. ``HOMELAB_ENVIRONMENTS`` narrows that to names or paths, separated by
commas.
``CDKTF_OUTDIR`` is where the stacks are written (``cdktf.out``).
"""

import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent


def main() -> int:
    """Synthesize; 0 when that went well, 1 when an environment is not right, which is then said on stderr."""
    from homelab.config.image_lock import ImageLockError, default_lock_path, read_image_lock
    from homelab.config.loading import load_environments
    from homelab.config.problems import InvalidEnvironment, render
    from homelab.config.resolution import resolve
    from homelab.config.selection import SelectionError, names_in, seen_from_here, select_files

    wanted = names_in(os.environ.get("HOMELAB_ENVIRONMENTS", ""))
    try:
        image_lock = read_image_lock(default_lock_path(PROJECT))
        files = [seen_from_here(path) for path in select_files(wanted, PROJECT)]
        loaded = load_environments(files, image_lock=image_lock)
    except InvalidEnvironment as error:
        print(
            "\n\n".join(render(problem) for problem in error.problems),
            f"\n{error}: nothing was synthesized.",
            file=sys.stderr,
            sep="\n",
        )
        return 1
    except (ImageLockError, SelectionError) as error:
        print(error, file=sys.stderr)
        return 1
    if loaded.warnings:
        # One line on stdout: cdktf shows every line of stderr as an error of its own.
        print(f"{len(loaded.warnings)} warnings about the environments; `homelab check` shows them")

    # Imported this late because jsii starts a Node process, which a mistake in a file should not have to wait for.
    os.environ.setdefault("NODE_NO_WARNINGS", "1")
    from homelab.stacks.application import build_app
    from homelab.stacks.hcl import correct_hcl

    app = build_app(
        (resolve(environment, image_lock) for environment in loaded.environments), outdir=os.environ.get("CDKTF_OUTDIR")
    )
    app.synth()
    correct_hcl(Path(app.outdir))
    return 0


if __name__ == "__main__":
    sys.exit(main())
