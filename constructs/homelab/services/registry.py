"""Which services there are: every folder below ``homelab.services`` that defines ``SERVICE``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import homelab.services
from homelab.services.service import Service


@cache
def services() -> Mapping[str, Service[Any]]:
    """Every service by its name, in the order of the catalogue's numbers.

    Raises:
        ValueError: two services have one name or number, or a folder is not called like its service.
    """
    found: dict[str, Service[Any]] = {}
    for module in pkgutil.iter_modules(homelab.services.__path__):
        if module.ispkg:
            service = importlib.import_module(f"homelab.services.{module.name}").SERVICE
            if service.package != f"homelab.services.{module.name}":
                raise ValueError(f"the folder {module.name} defines the service {service.name}: call both the same")
            found[service.name] = service
    numbers: dict[int, str] = {}
    for service in found.values():
        other = numbers.setdefault(service.number, service.name)
        if other != service.name:
            raise ValueError(f"the services {other} and {service.name} both have the number {service.number}")
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[1].number)))
