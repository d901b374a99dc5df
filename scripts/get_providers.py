"""Fills the provider mirror: `get_providers.py [NAME...]`, by default with what providers.toml marks `make`.

Where the Terraform registry answers, Terraform downloads and verifies the providers. Elsewhere each is built with Go
from the module that `providers/NAME/go.mod` pins, and filed under the version that the module states. A provider that
is there already, from the registry or from the same go.mod and go.sum, is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

from operations.provider_mirror import (
    PROJECT,
    REGISTRIES,
    Provider,
    ProviderMirrorError,
    cache_folder,
    declared_providers,
    mirror_folders,
    mirror_problems,
    platform_name,
    terraform_program,
    write_cli_configuration,
)

REGISTRY_TIMEOUT_SECONDS = 3.0
FROM_REGISTRY = "registry"


class GetProviderError(Exception):
    """A provider could not be had; the message says why and what to do."""


def registry_answers(host: str, scheme: str = "https") -> bool:
    """Returns whether a Terraform registry can be reached at `host`, within `REGISTRY_TIMEOUT_SECONDS`."""
    try:
        address = f"{scheme}://{host}/.well-known/terraform.json"
        with urllib.request.urlopen(address, timeout=REGISTRY_TIMEOUT_SECONDS) as answer:  # noqa: S310 - never a file
            return "providers.v1" in json.load(answer)
    except (OSError, ValueError):
        return False


def module_fingerprint(provider: Provider) -> str:
    """Returns a digest of what decides the content of a build: the module's go.mod and go.sum."""
    folder = PROJECT / "providers" / provider.name
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in ("go.mod", "go.sum"))).hexdigest()


def origin_file(provider: Provider) -> Path:
    """Returns the file that remembers where the mirror's copy of a provider came from."""
    return cache_folder() / "provider-origins" / f"{provider.name}_{provider.version}_{platform_name()}"


def is_current(provider: Provider) -> bool:
    """Returns whether our mirror has the provider, from the registry or from today's go.mod and go.sum."""
    if not provider.binary(mirror_folders()[0]).is_file() or not origin_file(provider).is_file():
        return False
    return origin_file(provider).read_text(encoding="utf-8") in {FROM_REGISTRY, module_fingerprint(provider)}


def file_provider(provider: Provider, program: Path, origin: str) -> None:
    """Moves a provider's program into the mirror, for Terraform and for OpenTofu, and remembers its origin."""
    binary = provider.binary(mirror_folders()[0])
    binary.parent.mkdir(parents=True, exist_ok=True)
    program.chmod(0o755)
    program.replace(binary)
    for registry in REGISTRIES[1:]:
        link = provider.binary(mirror_folders()[0], registry).parent
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(binary.parent, link.parent))
    origin_file(provider).parent.mkdir(parents=True, exist_ok=True)
    origin_file(provider).write_text(origin, encoding="utf-8")


def download(providers: list[Provider], work: Path, settings: str = "") -> None:
    """Downloads providers from the registry by Terraform itself, which checks their signatures.

    Args:
        providers: what to download.
        work: an empty folder to work in, on the cache's file system.
        settings: the Terraform CLI configuration to do it with; the user's own could name a mirror instead.

    Raises:
        GetProviderError: Terraform could not download or verify one of them.
    """
    requirements = {entry.name: {"source": entry.source, "version": entry.version} for entry in providers}
    configuration = work / "configuration"
    configuration.mkdir()
    (configuration / "main.tf.json").write_text(
        json.dumps({"terraform": {"required_providers": requirements}}), encoding="utf-8"
    )
    settings_file = work / "terraformrc"
    settings_file.write_text(settings, encoding="utf-8")
    downloaded = work / "downloaded"
    run = subprocess.run(
        [terraform_program(), "providers", "mirror", f"-platform={platform_name()}", str(downloaded)],
        cwd=configuration,
        env=os.environ | {"TF_CLI_CONFIG_FILE": str(settings_file), "CHECKPOINT_DISABLE": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise GetProviderError(f"the registry answers, but Terraform could not download from it:\n{run.stderr.strip()}")
    for provider in providers:
        (archive,) = downloaded.glob(f"*/{provider.source}/terraform-provider-{provider.name}_{provider.version}_*.zip")
        with zipfile.ZipFile(archive) as packed:
            (member,) = (name for name in packed.namelist() if name.startswith("terraform-provider-"))
            file_provider(provider, Path(packed.extract(member, work)), FROM_REGISTRY)
        print(f"==> {provider.source} {provider.version}: downloaded", flush=True)


def stated_version(provider: Provider, module: dict[str, object]) -> str:
    """Returns the version that a downloaded Go module says it is.

    Args:
        provider: the provider the module builds.
        module: the module as `go list -m -json` describes it.
    """
    actual = module.get("Replace", module)
    if not isinstance(actual, dict):
        raise TypeError(f"go list answered {actual!r} where it describes a module")
    if provider.version_stated is None:
        return str(actual["Version"]).removeprefix("v")
    text = (Path(actual["Dir"]) / provider.version_stated).read_text(encoding="utf-8")
    found = re.search(r"\d+\.\d+\.\d+\S*?(?=[\]\s]|$)", re.sub(r"(?m)^<a name.*$", "", text))
    return found[0] if found else "unknown"


def build(provider: Provider, work: Path) -> None:
    """Builds a provider from its pinned Go module.

    Raises:
        GetProviderError: Go is missing, a module cannot be had, its build fails, or it is not the declared version.
    """
    if shutil.which("go") is None:
        raise GetProviderError(
            "the Terraform registry does not answer, and go is not on PATH to build the provider from source. Install "
            "Go 1.26 (https://go.dev/doc/install), make the registry reachable (HTTPS_PROXY), or name a folder with "
            "the provider in HOMELAB_PROVIDER_MIRRORS."
        )
    folder = PROJECT / "providers" / provider.name
    print(f"==> {provider.source} {provider.version}: building from source (minutes the first time)", flush=True)
    began = time.monotonic()
    _go("-C", str(folder), "mod", "download", provider.package)
    stated = stated_version(provider, json.loads(_go("-C", str(folder), "list", "-m", "-json", provider.package)))
    if stated != provider.version:
        raise GetProviderError(
            f"the module in providers/{provider.name}/go.mod says it is version {stated}, but providers/providers.toml "
            f"says {provider.version}. Make the two agree: a provider is never filed under another version."
        )
    program = work / provider.name
    flags = f"-s -w -X main.version={provider.version}"
    _go("-C", str(folder), "build", "-trimpath", "-ldflags", flags, "-o", str(program), provider.package)
    file_provider(provider, program, module_fingerprint(provider))
    print(f"==> {provider.source} {provider.version}: built in {time.monotonic() - began:.0f} s", flush=True)


def _go(*arguments: str) -> str:
    # Without C the build needs no compiler, and the program runs on any machine of this kind.
    environment = os.environ | {"CGO_ENABLED": "0"}
    run = subprocess.run(["go", *arguments], env=environment, check=False, capture_output=True, text=True)
    if run.returncode != 0:
        raise GetProviderError(f"`go {' '.join(arguments)}` failed:\n{run.stderr.strip()}")
    return run.stdout


def get(providers: list[Provider]) -> None:
    """Gets what the mirror lacks, from the registry where it answers, else by building it.

    Raises:
        GetProviderError: see `build`.
    """
    missing = [provider for provider in providers if not is_current(provider) and _only_ours(provider)]
    if not missing:
        return
    mirror_folders()[0].mkdir(parents=True, exist_ok=True)
    registry = REGISTRIES["tofu" in Path(terraform_program()).name]
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="providers-") as temporary:
        if registry_answers(registry):
            try:
                download(missing, Path(temporary))
            except GetProviderError as error:
                print(f"{error}\nBuilding from source instead.", file=sys.stderr, flush=True)
            else:
                return
        for provider in missing:
            build(provider, Path(temporary))


def _only_ours(provider: Provider) -> bool:
    """Whether no further mirror (`HOMELAB_PROVIDER_MIRRORS`) holds the provider, so that it must come from ours."""
    ours, *further = mirror_folders()
    return not further or bool(mirror_problems([provider.name])) or provider.binary(ours).is_file()


def main(names: list[str]) -> None:
    """Gets the named providers, by default those marked `make`, and writes the CLI configuration."""
    declared = declared_providers()
    if unknown := sorted(set(names) - set(declared)):
        sys.exit(f"No such provider: {', '.join(unknown)}. providers/providers.toml declares {', '.join(declared)}.")
    wanted = [declared[name] for name in names] if names else [entry for entry in declared.values() if entry.make]
    try:
        get(wanted)
        write_cli_configuration(mirror_folders())
    except (GetProviderError, ProviderMirrorError) as error:
        sys.exit(f"Providers: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
