"""A provider has one version, wherever it is written down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from operations.provider_mirror import Provider, declared_providers
from scripts.provider_schema import schema_file, schema_text

PROJECT = Path(__file__).resolve().parents[2]
PROXMOX = declared_providers()["proxmox"]


def test_cdktf_json_asks_for_the_version_of_the_mirror() -> None:
    cdktf = json.loads((PROJECT / "cdktf.json").read_text(encoding="utf-8"))
    assert cdktf["terraformProviders"] == [{"name": PROXMOX.name, "source": PROXMOX.source, "version": PROXMOX.version}]


def test_the_module_is_the_version_of_the_mirror() -> None:
    module = (PROJECT / "providers" / "proxmox" / "go.mod").read_text(encoding="utf-8")
    assert re.search(rf"^\s*{re.escape(PROXMOX.package)} v{re.escape(PROXMOX.version)}( //.*)?$", module, re.MULTILINE)


def test_there_is_one_schema_and_it_is_of_that_version() -> None:
    assert list((PROJECT / "schemas").iterdir()) == [schema_file(PROXMOX)]
    schema = json.loads(schema_file(PROXMOX).read_text(encoding="utf-8"))
    assert schema["provider_versions"] == {f"registry.terraform.io/{PROXMOX.source}": PROXMOX.version}


def test_the_bindings_are_of_that_version() -> None:
    versions = json.loads((PROJECT / "imports" / "versions.json").read_text(encoding="utf-8"))
    assert versions == {f"registry.terraform.io/{PROXMOX.source}": PROXMOX.version}, "run `make bindings`"


@pytest.mark.end_to_end
def test_the_schema_is_what_the_provider_says() -> None:
    committed = schema_file(PROXMOX).read_text(encoding="utf-8")
    # Not compared in the assertion: a difference in half a megabyte of JSON would bury the advice.
    same = committed == schema_text(PROXMOX)
    assert same, (
        "schemas/ differs from what the provider's program states: run `make schema`, then look at the difference"
    )


@pytest.mark.parametrize("provider", declared_providers().values(), ids=lambda provider: provider.name)
def test_every_provider_has_a_pinned_module_that_builds_it(provider: Provider) -> None:
    folder = PROJECT / "providers" / provider.name
    module = (folder / "go.mod").read_text(encoding="utf-8")
    assert f"\ntool {provider.package}\n" in module
    assert f"{provider.package} " in (folder / "go.sum").read_text(encoding="utf-8") or "replace" in module


def test_every_module_belongs_to_a_declared_provider() -> None:
    folders = {folder.name for folder in (PROJECT / "providers").iterdir() if folder.is_dir()}
    assert folders == set(declared_providers())
