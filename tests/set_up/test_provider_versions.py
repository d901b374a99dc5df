"""A provider has one version, wherever it is written down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from operations.provider_mirror import Provider, declared_providers
from scripts.provider_schema import bound_providers, schema_file, schema_text

PROJECT = Path(__file__).resolve().parents[2]
BOUND = bound_providers()
REGISTRY = "registry.terraform.io"

of_each_bound_provider = pytest.mark.parametrize("provider", BOUND, ids=lambda provider: provider.name)


def test_cdktf_json_asks_for_the_versions_of_the_mirror() -> None:
    cdktf = json.loads((PROJECT / "cdktf.json").read_text(encoding="utf-8"))
    assert {provider.name for provider in BOUND} == {"proxmox", "null"}
    assert cdktf["terraformProviders"] == [
        {"name": provider.name, "source": provider.source, "version": provider.version} for provider in BOUND
    ]


def test_the_module_is_the_version_of_the_mirror() -> None:
    proxmox = declared_providers()["proxmox"]
    module = (PROJECT / "providers" / "proxmox" / "go.mod").read_text(encoding="utf-8")
    assert re.search(rf"^\s*{re.escape(proxmox.package)} v{re.escape(proxmox.version)}( //.*)?$", module, re.MULTILINE)


def test_each_provider_has_one_schema() -> None:
    assert set((PROJECT / "schemas").iterdir()) == {schema_file(provider) for provider in BOUND}


@of_each_bound_provider
def test_a_schema_is_of_the_provider_s_version(provider: Provider) -> None:
    schema = json.loads(schema_file(provider).read_text(encoding="utf-8"))
    assert schema["provider_versions"] == {f"{REGISTRY}/{provider.source}": provider.version}


def test_the_bindings_are_of_those_versions() -> None:
    versions = json.loads((PROJECT / "imports" / "versions.json").read_text(encoding="utf-8"))
    assert versions == {f"{REGISTRY}/{provider.source}": provider.version for provider in BOUND}, "run `make bindings`"


@pytest.mark.end_to_end
@of_each_bound_provider
def test_a_schema_is_what_the_provider_says(provider: Provider) -> None:
    committed = schema_file(provider).read_text(encoding="utf-8")
    # Not compared in the assertion: a difference in half a megabyte of JSON would bury the advice.
    same = committed == schema_text(provider)
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
