"""The part of an environment that says which services of the catalogue it has, and what they get by default."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from homelab.config.model import Model
from homelab.config.names import DatastoreName, Key
from homelab.config.network import StaticOrDhcp
from homelab.config.problems import Refused
from homelab.services.registry import services
from homelab.services.settings import ServiceSettings


class ServiceDefaults(Model):
    """Where services and their templates go that say nothing else."""

    network: Key = Field(
        "internal", description="The network of the services, one of `networks`; service n is at its .10 times n."
    )
    datastore: DatastoreName = Field("local-lvm", description="Datastore of the services: a fast one.")
    template_datastore: DatastoreName = Field("local-hdd", description="Datastore of their templates: a large one.")
    build_network: Key | None = Field(
        None, description="The network in which templates are built; that of the services when left out."
    )
    build_address: StaticOrDhcp = Field(
        "dhcp",
        description="dhcp, or the address of the first template while it is built; each of the others has one of its "
        "own after it.",
    )


@cache
def _model() -> type[Model]:
    """A model with a field for each service of the catalogue, so that messages and JSON Schema know them all."""
    fields: dict[str, Any] = {
        name: (service.settings, Field(None, description=f"{service.title}: {service.description}"))
        for name, service in services().items()
    }
    return create_model("Services", __base__=Model, __doc__="The services of the catalogue.", **fields)


def _names_to_map(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    for name in value:
        if not isinstance(name, str):
            raise Refused(
                "a list of services has names alone, and here is something with settings",
                allowed="names in a list, or a map of names with settings",
                fix="write services as a map, such as services: {redis: {memory: 1GiB}, gitea: {}}",
            )
        if name not in services():
            near = get_close_matches(name, list(services()), n=1)
            raise Refused(
                f"there is no service {name}",
                allowed=", ".join(services()),
                fix=f"did you mean {near[0]}?" if near else "remove it",
            )
    return {name: {} for name in value}


def _as_dict(model: Model) -> dict[str, ServiceSettings]:
    # In the order of the catalogue: another order in the file changes nothing.
    return {name: getattr(model, name) for name in services() if name in model.model_fields_set}


class _OfTheCatalogue:
    """Annotation of a map that has services of the catalogue as keys and their own settings as values."""

    @staticmethod
    def __get_pydantic_core_schema__(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            _names_to_map,
            core_schema.no_info_after_validator_function(_as_dict, handler.generate_schema(_model())),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda chosen: {name: settings.model_dump(exclude_unset=True) for name, settings in chosen.items()}
            ),
        )

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        names = {"type": "string", "enum": list(services())}
        return {"anyOf": [handler(schema), {"type": "array", "items": names}]}


Services = Annotated[dict[str, ServiceSettings], _OfTheCatalogue()]
"""Services by name with their settings, or a list of names; in the order of the catalogue."""
