"""The environment in which Terraform finds its providers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from operations.provider_mirror import (
    ProviderMirrorError,
    cache_folder,
    cli_configuration,
    declared_providers,
    mirror_folders,
    mirror_problems,
    platform_name,
    terraform_environment,
    terraform_program,
)

RANDOM = declared_providers()["random"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no mirror besides."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HOMELAB_PROVIDER_MIRRORS", raising=False)
    return cache_folder()


def put(mirror: Path, name: str, version: str | None = None) -> None:
    """Puts a stand-in for a provider's program into a mirror."""
    source = declared_providers()[name].source
    folder = (
        mirror / "registry.terraform.io" / source / (version or declared_providers()[name].version) / platform_name()
    )
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-{name}_v{version}").touch()


def test_a_setting_that_names_a_missing_file_is_replaced_by_a_file_that_exists(cache: Path) -> None:
    environment = terraform_environment({"TF_CLI_CONFIG_FILE": "/nowhere/terraformrc", "HOME": "/home/user"})
    assert Path(environment["TF_CLI_CONFIG_FILE"]) == cache / "terraformrc"
    assert Path(environment["TF_CLI_CONFIG_FILE"]).is_file()
    assert environment["HOME"] == "/home/user"


def test_nothing_is_asked_and_no_plugin_cache_is_shared() -> None:
    environment = terraform_environment({"TF_PLUGIN_CACHE_DIR": "/shared", "CHECKPOINT_DISABLE": ""})
    assert (environment["CHECKPOINT_DISABLE"], environment["TF_IN_AUTOMATION"]) == ("1", "1")
    assert "TF_PLUGIN_CACHE_DIR" not in environment


def test_the_process_s_own_environment_is_the_default_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXMOX_VE_ENDPOINT", "https://pve.home.arpa:8006")
    assert terraform_environment()["PROXMOX_VE_ENDPOINT"] == "https://pve.home.arpa:8006"


def test_a_relative_cache_folder_is_ignored_as_the_standard_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path.home() / ".cache" / "homelab"


def test_the_registry_is_asked_only_for_what_no_mirror_has(tmp_path: Path) -> None:
    put(tmp_path, "random")
    text = cli_configuration([tmp_path])
    assert f'path = "{tmp_path}"' in text
    assert 'exclude = ["registry.opentofu.org/hashicorp/random", "registry.terraform.io/hashicorp/random"]' in text


def test_a_mirror_that_is_not_there_yet_is_not_named(tmp_path: Path) -> None:
    assert "filesystem_mirror" not in cli_configuration([tmp_path / "nowhere"])


def test_further_mirrors_get_a_configuration_of_their_own(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path(terraform_environment()["TF_CLI_CONFIG_FILE"]).read_text(encoding="utf-8")
    put(tmp_path / "further", "docker")
    monkeypatch.setenv("HOMELAB_PROVIDER_MIRRORS", f"{tmp_path / 'further'}{os.pathsep}")
    with_further = Path(terraform_environment()["TF_CLI_CONFIG_FILE"])
    assert mirror_folders() == [cache / "providers", tmp_path / "further"]
    assert str(tmp_path / "further") in with_further.read_text(encoding="utf-8")
    assert (cache / "terraformrc").read_text(encoding="utf-8") == plain, "another process may be reading it"


def test_a_further_mirror_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMELAB_PROVIDER_MIRRORS", "/nowhere/mirror")
    with pytest.raises(
        ProviderMirrorError, match="HOMELAB_PROVIDER_MIRRORS names /nowhere/mirror, which is not a folder"
    ):
        terraform_environment()


def test_a_mirror_with_everything_has_no_problem(cache: Path) -> None:
    for name in ("proxmox", "random", "null", "local"):
        put(cache / "providers", name)
    assert mirror_problems() == []


def test_a_packed_provider_counts(cache: Path) -> None:
    package = cache / "providers" / "registry.terraform.io" / RANDOM.source
    package.mkdir(parents=True)
    (package / f"terraform-provider-random_{RANDOM.version}_{platform_name()}.zip").touch()
    assert mirror_problems(["random"]) == []


def test_a_mirror_of_another_version_is_named_with_what_it_holds(cache: Path) -> None:
    put(cache / "providers", "proxmox", "0.110.0")
    (problem,) = mirror_problems(["proxmox"])
    assert problem == (
        f"bpg/proxmox 0.111.1 is in none of {cache / 'providers'} (found there: 0.110.0). Run `make providers`."
    )


def test_a_missing_optional_provider_is_named_with_its_own_target(cache: Path) -> None:
    assert mirror_problems(["docker"]) == [
        f"kreuzwerker/docker 4.6.0 is in none of {cache / 'providers'}. Run `make provider-docker`."
    ]


def program(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("installed", "chosen", "expected"),
    [(["terraform", "tofu"], None, "terraform"), (["tofu"], None, "tofu"), (["terraform", "tofu"], "tofu", "tofu")],
)
def test_opentofu_serves_where_terraform_is_missing_or_by_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: list[str], chosen: str | None, expected: str
) -> None:
    for name in installed:
        program(tmp_path / "bin", name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("TERRAFORM_BINARY_NAME", raising=False)
    if chosen:
        monkeypatch.setenv("TERRAFORM_BINARY_NAME", chosen)
    assert terraform_program() == str(tmp_path / "bin" / expected)


@pytest.mark.parametrize(("chosen", "named"), [("", "terraform"), ("terraform-1.9", r"terraform-1\.9")])
def test_a_missing_terraform_is_named_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, named: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", chosen)
    with pytest.raises(
        ProviderMirrorError, match=rf"^{named} is not on PATH.*developer\.hashicorp\.com.*opentofu\.org"
    ):
        terraform_program()


@pytest.mark.end_to_end
def test_terraform_installs_from_a_mirror_and_names_a_wrong_version(tmp_path: Path, cache: Path) -> None:
    put(cache / "providers", "random", "3.6.0")
    folder = tmp_path / "configuration"
    folder.mkdir()

    def init(version: str) -> subprocess.CompletedProcess[str]:
        requirement = {"random": {"source": f"registry.terraform.io/{RANDOM.source}", "version": version}}
        (folder / "main.tf.json").write_text(
            json.dumps({"terraform": {"required_providers": requirement}}), encoding="utf-8"
        )
        command = [terraform_program(), "init", "-no-color", "-input=false"]
        return subprocess.run(
            command, cwd=folder, env=terraform_environment(), check=False, capture_output=True, text=True
        )

    refused = init(RANDOM.version)
    assert refused.returncode != 0
    assert "no available releases match the given constraints 3.9.0" in " ".join(refused.stderr.split())
    accepted = init("3.6.0")
    assert accepted.returncode == 0, accepted.stderr
