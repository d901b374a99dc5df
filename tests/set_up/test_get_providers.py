"""`make providers`: from the registry where it answers, else from source; never under another version."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from operations import provider_mirror
from operations.provider_mirror import Provider, declared_providers
from scripts import get_providers
from scripts.get_providers import GetProviderError, download, get, is_current, registry_answers, stated_version
from tests.set_up.loopback_registry import PROGRAM, loopback_registry, settings_for

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = declared_providers()["random"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, so that no test touches or needs the real one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("HOMELAB_PROVIDER_MIRRORS", raising=False)
    cache = provider_mirror.cache_folder()
    cache.mkdir()
    return cache


@pytest.fixture
def work(cache: Path) -> Path:
    """A folder on the cache's file system."""
    folder = cache / "work"
    folder.mkdir()
    return folder


def test_a_registry_that_answers_is_seen() -> None:
    with loopback_registry() as address:
        assert registry_answers(address, scheme="http")


def test_a_registry_that_does_not_answer_is_seen() -> None:
    with loopback_registry() as address:
        pass
    assert not registry_answers(address, scheme="http")


def test_another_server_is_no_registry() -> None:
    with loopback_registry() as address:
        assert not registry_answers(f"{address}/SHA256SUMS?", scheme="http")


@pytest.mark.end_to_end
def test_a_download_is_verified_by_terraform_and_filed(work: Path) -> None:
    with loopback_registry() as address:
        download([RANDOM], work, settings_for(address))
    binary = RANDOM.binary(provider_mirror.mirror_folders()[0])
    assert binary.read_bytes() == PROGRAM
    assert binary.stat().st_mode & stat.S_IXUSR
    assert RANDOM.binary(provider_mirror.mirror_folders()[0], "registry.opentofu.org").read_bytes() == PROGRAM
    assert is_current(RANDOM)


@pytest.mark.end_to_end
def test_a_download_that_was_tampered_with_is_refused(work: Path) -> None:
    with (
        loopback_registry(PROGRAM + b"# tampered with\n") as address,
        pytest.raises(GetProviderError, match="checksum"),
    ):
        download([RANDOM], work, settings_for(address))
    assert not RANDOM.binary(provider_mirror.mirror_folders()[0]).exists()


def test_what_is_there_is_left_alone(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = work / "program"
    program.write_bytes(PROGRAM)
    get_providers.file_provider(RANDOM, program, get_providers.module_fingerprint(RANDOM))
    monkeypatch.setattr(get_providers, "registry_answers", lambda _: pytest.fail("nothing is missing, yet it asks"))
    get([RANDOM])


def test_what_another_module_built_is_built_anew(work: Path) -> None:
    program = work / "program"
    program.write_bytes(PROGRAM)
    get_providers.file_provider(RANDOM, program, "the fingerprint of another go.mod")
    assert not is_current(RANDOM)


def test_without_registry_and_without_go_it_says_what_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_providers, "registry_answers", lambda _: False)
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "go" else f"/usr/bin/{program}")
    with pytest.raises(GetProviderError, match=r"Install Go 1\.26.*HOMELAB_PROVIDER_MIRRORS"):
        get([RANDOM])


def test_a_registry_that_fails_to_deliver_is_followed_by_a_build(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise GetProviderError("no route to its downloads")

    built = []
    monkeypatch.setattr(get_providers, "registry_answers", lambda _: True)
    monkeypatch.setattr(get_providers, "download", refuse)
    monkeypatch.setattr(get_providers, "build", lambda provider, _: built.append(provider.name))
    get([RANDOM])
    assert built == ["random"]
    assert "no route to its downloads" in capsys.readouterr().err


def test_opentofu_asks_its_own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def out_of_reach(host: str) -> bool:
        asked.append(host)
        return False

    monkeypatch.setattr(get_providers, "terraform_program", lambda: "/usr/bin/tofu")
    monkeypatch.setattr(get_providers, "registry_answers", out_of_reach)
    monkeypatch.setattr(get_providers, "build", lambda *_: None)
    get([RANDOM])
    assert asked == ["registry.opentofu.org"]


def test_a_further_mirror_that_has_the_provider_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = RANDOM.binary(tmp_path / "further")
    binary.parent.mkdir(parents=True)
    binary.touch()
    monkeypatch.setenv("HOMELAB_PROVIDER_MIRRORS", str(tmp_path / "further"))
    monkeypatch.setattr(get_providers, "registry_answers", lambda _: pytest.fail("nothing is missing, yet it asks"))
    get([RANDOM])


def module(tmp_path: Path, stating: dict[str, str]) -> dict[str, object]:
    for name, text in stating.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {"Version": "v0.0.0", "Replace": {"Version": "v1.3.2-0.20260824155315-e1092b0cfc07", "Dir": str(tmp_path)}}


def test_the_version_is_the_module_s_own_where_it_has_one() -> None:
    assert stated_version(declared_providers()["proxmox"], {"Version": "v0.111.1", "Dir": "/"}) == "0.111.1"


@pytest.mark.parametrize(
    ("name", "file", "text", "version"),
    [
        ("random", "version/VERSION", "3.9.0\n", "3.9.0"),
        (
            "docker",
            "CHANGELOG.md",
            '# Changelog\n\n<a name="v4.6.0"></a>\n## [v4.6.0](https://e/v4.5.0...v4.6.0)\n',
            "4.6.0",
        ),
        ("docker", "CHANGELOG.md", "# Changelog\n", "unknown"),
        ("random", "version/VERSION", "3.10.0-beta1\n", "3.10.0-beta1"),
    ],
)
def test_the_version_is_what_the_module_s_file_states(
    tmp_path: Path, name: str, file: str, text: str, version: str
) -> None:
    assert stated_version(declared_providers()[name], module(tmp_path, {file: text})) == version


def test_a_build_is_never_filed_under_another_version(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_providers, "_go", lambda *_: '{"Version": "v0.110.0"}')
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    declared = declared_providers()["proxmox"]
    with pytest.raises(GetProviderError, match=r"says it is version 0\.110\.0.*says 0\.111\.1"):
        get_providers.build(declared, work)
    assert not declared.binary(provider_mirror.mirror_folders()[0]).exists()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SystemExit, match="No such provider: proxmx"):
        get_providers.main(["proxmx"])


def test_a_provider_s_place_is_terraform_s_mirror_layout(tmp_path: Path) -> None:
    provider = Provider("random", "hashicorp/random", "3.9.0", "p", None, make=True)
    platform = provider_mirror.platform_name()
    expected = f"registry.terraform.io/hashicorp/random/3.9.0/{platform}/terraform-provider-random_v3.9.0"
    assert provider.binary(tmp_path) == tmp_path / expected
