"""The JSON Schema of an environment file, for editors and for the loader's messages."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from homelab.config.environment import Environment
from homelab.config.problems import Path

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE_NAME = "environment.schema.json"


@cache
def environment_schema() -> dict[str, Any]:
    """The schema of an environment file.

    Without ``name``, which is the file's name. Not to be changed by the caller.
    """
    schema = Environment.model_json_schema(mode="validation")
    del schema["properties"]["name"]
    schema["required"] = [key for key in schema["required"] if key != "name"]
    closed: dict[str, Any] = _with_closed_maps(schema)
    return {"$schema": DIALECT, **closed, "title": "Homelab environment"}


def write_schema() -> str:
    """The text of ``docs/environment.schema.json``: the same for the same model."""
    return json.dumps(environment_schema(), indent=2, ensure_ascii=False) + "\n"


def schema_at(path: Path, data: Any) -> dict[str, Any]:
    """The part of the schema for the value at ``path`` of ``data``; empty where the schema knows no such path."""
    schema = _resolved(environment_schema(), data)
    for part in path:
        schema = _child(schema, part)
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        schema = _resolved(schema, data)
    return schema


def _with_closed_maps(schema: Any) -> Any:
    # pydantic writes a map whose keys have a pattern as patternProperties alone, which lets keys that don't match pass.
    if isinstance(schema, list):
        return [_with_closed_maps(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _with_closed_maps(value) for key, value in schema.items()}
    patterns = closed.get("patternProperties")
    if isinstance(patterns, dict) and len(patterns) == 1:
        ((pattern, values),) = closed.pop("patternProperties").items()
        closed["additionalProperties"] = values
        closed["propertyNames"] = {**closed.get("propertyNames", {}), "pattern": pattern}
    return closed


def _resolved(schema: dict[str, Any], data: Any) -> dict[str, Any]:
    own = {key: value for key, value in schema.items() if key in ("description", "examples", "default")}
    while True:
        if "$ref" in schema:
            schema = environment_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
        elif discriminator := schema.get("discriminator"):
            chosen = data.get(discriminator["propertyName"]) if isinstance(data, dict) else None
            mapping = discriminator["mapping"]
            schema = {"$ref": mapping.get(chosen) or next(iter(mapping.values()))}
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            schema = _chosen(choices, data)
        else:
            return {**schema, **own}


def _chosen(choices: list[dict[str, Any]], data: Any) -> dict[str, Any]:
    wanted = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}.get(type(data))
    resolved = [choice for choice in choices if choice.get("type") != "null"]
    fitting = (choice for choice in resolved if _resolved(choice, data).get("type") == wanted)
    return next(fitting, resolved[0])


def _child(schema: dict[str, Any], part: str | int) -> dict[str, Any]:
    found: Any = (
        schema.get("items")
        if isinstance(part, int)
        else schema.get("properties", {}).get(part, schema.get("additionalProperties"))
    )
    return found if isinstance(found, dict) else {}
