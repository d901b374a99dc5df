"""Writes schemas/NAME@VERSION.json anew: what a provider's own program states as its schema, for `cdktf get`.

The providers are those in cdktf.json; they come from the mirror that `make providers` fills. The result depends on the
provider's version alone: what newer versions of Terraform and OpenTofu add to it, cdktf does not read, and it is
left out.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from operations.provider_mirror import (
    PROJECT,
    REGISTRIES,
    Provider,
    declared_providers,
    terraform_environment,
    terraform_program,
)

READ_BY_CDKTF = ("provider", "resource_schemas", "data_source_schemas")


def bound_providers() -> list[Provider]:
    """Returns the providers whose bindings `cdktf get` generates: those that cdktf.json names, in its order."""
    declared = declared_providers()
    asked = json.loads((PROJECT / "cdktf.json").read_text(encoding="utf-8"))["terraformProviders"]
    return [declared[entry["name"]] for entry in asked]


def schema_file(provider: Provider) -> Path:
    """Returns where `cdktf get` looks for a provider's schema: `schemas/NAME@VERSION.json`."""
    return PROJECT / "schemas" / f"{provider.name}@{provider.version}.json"


def schema_text(provider: Provider) -> str:
    """Returns the schema that the provider's program states, in the form `cdktf get` reads.

    Raises:
        subprocess.CalledProcessError: Terraform could not start the provider; `stderr` says why.
    """
    requirement = {"source": f"{REGISTRIES[0]}/{provider.source}", "version": provider.version}
    with tempfile.TemporaryDirectory() as folder:
        configuration = {"terraform": {"required_providers": {provider.name: requirement}}}
        (Path(folder) / "main.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
        _terraform(folder, "init", "-input=false", "-no-color")
        schema = json.loads(
            _terraform(folder, "providers", "schema", "-json"), object_hook=_without_deprecation_message
        )
        schema["provider_schemas"] = {
            source: {kind: content[kind] for kind in READ_BY_CDKTF}
            for source, content in schema["provider_schemas"].items()
        }
        schema["provider_versions"] = json.loads(_terraform(folder, "version", "-json"))["provider_selections"]
    return json.dumps(schema, sort_keys=True, separators=(",", ":")) + "\n"


def _without_deprecation_message(entry: dict[str, Any]) -> dict[str, Any]:
    # OpenTofu adds the text to the `deprecated` that Terraform has; an attribute of that name would hold no text.
    return {key: value for key, value in entry.items() if key != "deprecation_message" or not isinstance(value, str)}


def _terraform(folder: str, *arguments: str) -> str:
    command = [terraform_program(), *arguments]
    environment = terraform_environment()
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    for bound in bound_providers():
        schema_file(bound).write_text(schema_text(bound), encoding="utf-8")
        print(f"==> {schema_file(bound).relative_to(PROJECT)} written")
