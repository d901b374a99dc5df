"""Where Terraform's providers are kept on this machine, and the environment in which Terraform finds them.

Providers are kept outside the clone, in `${XDG_CACHE_HOME:-~/.cache}/homelab/providers`, in the layout of a Terraform
filesystem mirror. `make providers` fills it. A CLI configuration file beside it tells Terraform to look there first
and to ask a registry only for providers that no mirror has.

This module reads the process environment, so that its callers need not:

- `XDG_CACHE_HOME`: where caches are (default `~/.cache`).
- `HOMELAB_PROVIDER_MIRRORS`: further mirror folders, separated by `:`, for example one that holds `hashicorp/aws`.
- `TERRAFORM_BINARY_NAME`: the program to run (default `terraform`, or `tofu` where only that is installed).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parent.parent
REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
"""The host that Terraform puts before a bare `namespace/type`, and the one OpenTofu puts there."""


class ProviderMirrorError(Exception):
    """A mirror folder, a provider or the Terraform program is missing; the message says how to get it."""


@dataclass(frozen=True)
class Provider:
    """One Terraform provider at one version, as `providers/providers.toml` declares it."""

    name: str
    source: str
    version: str
    package: str
    version_stated: str | None
    make: bool

    def binary(self, mirror: Path, registry: str = REGISTRIES[0]) -> Path:
        """Returns where a filesystem mirror holds this provider's program for this machine."""
        return (
            mirror
            / registry
            / self.source
            / self.version
            / platform_name()
            / f"terraform-provider-{self.name}_v{self.version}"
        )


def declared_providers() -> dict[str, Provider]:
    """Returns every provider this project uses, by its name."""
    declared = tomllib.loads((PROJECT / "providers" / "providers.toml").read_text(encoding="utf-8"))
    return {
        name: Provider(
            name=name,
            source=entry["source"],
            version=entry["version"],
            package=entry["package"],
            version_stated=entry.get("version_stated"),
            make=entry["make"],
        )
        for name, entry in declared.items()
    }


def platform_name() -> str:
    """Returns this machine's name in Terraform's words, for example `linux_amd64` or `darwin_arm64`."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}.get(
        platform.machine(), platform.machine()
    )
    return f"{sys.platform}_{machine}"


def cache_folder() -> Path:
    """Returns the folder for everything that can be made again: `${XDG_CACHE_HOME:-~/.cache}/homelab`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "homelab"


def mirror_folders() -> list[Path]:
    """Returns the mirror folders that Terraform searches: the project's own, then those in `HOMELAB_PROVIDER_MIRRORS`.

    Raises:
        ProviderMirrorError: a folder in `HOMELAB_PROVIDER_MIRRORS` does not exist.
    """
    further = [
        Path(folder).expanduser().absolute()
        for folder in os.environ.get("HOMELAB_PROVIDER_MIRRORS", "").split(os.pathsep)
        if folder
    ]
    for folder in further:
        if not folder.is_dir():
            raise ProviderMirrorError(
                f"HOMELAB_PROVIDER_MIRRORS names {folder}, which is not a folder. It takes folders in the layout of "
                "`terraform providers mirror`, separated by colons. Correct the variable, or unset it."
            )
    return [cache_folder() / "providers", *further]


def terraform_program() -> str:
    """Returns the full path of Terraform, or of OpenTofu where that is what is installed.

    Raises:
        ProviderMirrorError: neither is on PATH, or what `TERRAFORM_BINARY_NAME` names is not.
    """
    chosen = os.environ.get("TERRAFORM_BINARY_NAME")
    for candidate in [chosen] if chosen else ["terraform", "tofu"]:
        if found := shutil.which(candidate):
            return found
    raise ProviderMirrorError(
        f"{chosen or 'terraform'} is not on PATH. Install Terraform 1.9 or newer "
        "(https://developer.hashicorp.com/terraform/install) or OpenTofu (https://opentofu.org/docs/intro/install/), "
        "or name the program in TERRAFORM_BINARY_NAME."
    )


def terraform_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the complete environment for a Terraform process: `base` (default: this process's) with these on top.

    - `TF_CLI_CONFIG_FILE`: the generated configuration that names the mirrors. A file of the user's own in this
      variable is replaced: Terraform reads one, and the stacks need these mirrors.
    - `CHECKPOINT_DISABLE`: no version check over the network.
    - `TF_IN_AUTOMATION`: no advice about commands to type next.
    - `GOGC`: 400 unless it is set. Terraform and providers are small and live for seconds; collecting garbage less
      often saves a quarter of their processor time.
    - `TF_PLUGIN_CACHE_DIR` is removed: a mirror's providers are linked, not copied, and a plugin cache shared by two
      Terraform processes can break both.

    Raises:
        ProviderMirrorError: a folder in `HOMELAB_PROVIDER_MIRRORS` does not exist.
    """
    environment = dict(os.environ if base is None else base)
    environment.pop("TF_PLUGIN_CACHE_DIR", None)
    environment.setdefault("GOGC", "400")
    return environment | {
        "TF_CLI_CONFIG_FILE": str(write_cli_configuration(mirror_folders())),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }


def mirror_problems(names: list[str] | None = None) -> list[str]:
    """Returns one message for each provider (default: those `make providers` gets) that no mirror folder has.

    A mirror with another version is named as such: the usual reason for Terraform's "no available releases match".
    """
    declared = declared_providers()
    folders = mirror_folders()
    problems = []
    for provider in (declared[name] for name in names or [name for name, entry in declared.items() if entry.make]):
        packages = [folder / registry / provider.source for folder in folders for registry in REGISTRIES]
        if any(_holds(package, provider) for package in packages):
            continue
        found = sorted(
            {
                version.name
                for package in packages
                if package.is_dir()
                for version in package.iterdir()
                if version.is_dir()
            }
        )
        other = f" (found there: {', '.join(found)})" if found else ""
        target = "make providers" if provider.make else f"make provider-{provider.name}"
        problems.append(
            f"{provider.source} {provider.version} is in none of {', '.join(map(str, folders))}{other}. Run `{target}`."
        )
    return problems


def _holds(package: Path, provider: Provider) -> bool:
    packed = package / f"terraform-provider-{provider.name}_{provider.version}_{platform_name()}.zip"
    return packed.is_file() or any((package / provider.version / platform_name()).glob("terraform-provider-*"))


def cli_configuration(folders: list[Path]) -> str:
    """Returns a Terraform CLI configuration that searches `folders` and asks a registry only for what they lack.

    Without the exclusion Terraform would ask the registry about every provider, mirrored or not, and fail where it is
    out of reach.
    """
    mirrored = sorted(
        {
            f"{registry}/{source.parent.name}/{source.name}"
            for folder in folders
            for host in REGISTRIES
            for source in folder.glob(f"{host}/*/*")
            for registry in REGISTRIES
        }
    )
    mirrors = "".join(
        f"  filesystem_mirror {{\n    path = {json.dumps(str(folder))}\n  }}\n" for folder in folders if folder.is_dir()
    )
    return f"provider_installation {{\n{mirrors}  direct {{\n    exclude = {json.dumps(mirrored)}\n  }}\n}}\n"


def write_cli_configuration(folders: list[Path]) -> Path:
    """Writes the CLI configuration for `folders` into the cache, if it is not there already, and returns its path."""
    text = cli_configuration(folders)
    suffix = "" if len(folders) == 1 else "-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    path = cache_folder() / f"terraformrc{suffix}"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    return path
