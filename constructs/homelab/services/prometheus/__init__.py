"""Prometheus from the distribution's package; it watches every service and guest of the environment from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field

from homelab.config.model import Model
from homelab.config.names import PORT_PATTERN, Key, Port
from homelab.config.problems import Refused
from homelab.config.text import Matching
from homelab.services.service import EnabledService, Reach, Service, ServiceContext, ServicePort, Size
from homelab.services.settings import ServiceSettings

PORT = 9090
PROBER = "127.0.0.1:9115"
"""Where the blackbox exporter listens, for Prometheus alone."""

HostAndPort = Annotated[
    str,
    Matching(
        rf"[a-zA-Z0-9.-]+:{PORT_PATTERN}",
        "a target",
        "a name or an IPv4 address, and a port",
        example="10.0.30.10:9100",
    ),
]
Duration = Annotated[
    str, Matching(r"[1-9][0-9]*(s|m|h|d|w|y)", "a duration", "a number above 0 and s, m, h, d, w or y", example="30d")
]
OWN_JOBS = ("prometheus", "web", "ports", "guests", "node")
"""Jobs that are there by themselves."""


def _free_job(name: str) -> str:
    if name in OWN_JOBS:
        raise Refused(
            f"the job {name} is one of the catalogue's own",
            allowed=f"another name than {', '.join(OWN_JOBS)}",
            fix=f"call it my-{name}",
        )
    return name


Job = Annotated[Key, AfterValidator(_free_job)]


class Target(Model):
    """Further targets of one kind."""

    targets: tuple[HostAndPort, ...] = Field(description="Where metrics are read, host:port.")
    path: Annotated[str, Matching(r"/[^\s']*", "a path", "it begins with /", example="/metrics")] = Field(
        "/metrics", description="The path of the metrics."
    )
    https: bool = Field(False, description="Read over HTTPS.")


class PrometheusSettings(ServiceSettings):
    """Prometheus: what it watches besides the environment's services and guests, and how long it keeps that."""

    retention: Duration = Field("30d", description="How long samples are kept.")
    scrape_interval: Duration = Field("15s", description="How often metrics are read.")
    node_exporter_port: Port | None = Field(
        None, description="Read the node exporter of every service and guest at this port, such as 9100."
    )
    targets: dict[Job, Target] = Field({}, description="Further targets, by the name of their job.")


def _probe(name: str, module: str, targets: dict[str, str]) -> dict[str, Any]:
    """A job whose targets the blackbox exporter asks; ``targets`` has the name of what each one belongs to."""
    return {
        "job_name": name,
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "static_configs": [{"targets": [target], "labels": {"name": owner}} for target, owner in targets.items()],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": PROBER},
        ],
    }


def _web(services: Mapping[str, EnabledService]) -> dict[str, str]:
    return {enabled.url: name for name, enabled in services.items() if enabled.url}


def _tcp(services: Mapping[str, EnabledService]) -> dict[str, str]:
    return {
        f"{instance.address}:{port.number}": instance.hostname
        for enabled in services.values()
        for port in enabled.service.ports
        if port.protocol == "tcp" and not port.web
        for instance in enabled.instances
    }


def scrape_configuration(context: ServiceContext[PrometheusSettings]) -> dict[str, Any]:
    """``prometheus.yml``: itself, every web page and port, whether guests answer, and what the file adds."""
    settings = context.settings
    hosts = {
        str(instance.address): instance.hostname
        for enabled in context.services.values()
        for instance in enabled.instances
    } | {str(guest.address): guest.name for guest in context.guests}
    jobs: list[dict[str, Any]] = [
        {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{PORT}"]}]},
        _probe("web", "page", _web(context.services)),
        _probe("ports", "port", _tcp(context.services)),
        _probe("guests", "ping", hosts),
    ]
    if settings.node_exporter_port:
        targets = [
            {"targets": [f"{address}:{settings.node_exporter_port}"], "labels": {"name": name}}
            for address, name in hosts.items()
        ]
        jobs.append({"job_name": "node", "static_configs": targets})
    for name, target in settings.targets.items():
        jobs.append(
            {
                "job_name": name,
                "scheme": "https" if target.https else "http",
                "metrics_path": target.path,
                "static_configs": [{"targets": list(target.targets)}],
            }
        )
    return {
        "global": {"scrape_interval": settings.scrape_interval, "evaluation_interval": settings.scrape_interval},
        "rule_files": ["/etc/prometheus/rules.d/*.yml"],
        "scrape_configs": [job for job in jobs if job["static_configs"]],
    }


def prober_configuration() -> dict[str, Any]:
    """``blackbox.yml``: what a web page, a port and a guest have to do to count as there."""
    return {
        "modules": {
            "page": {
                "prober": "http",
                "timeout": "5s",
                # Pages that want a login answer 401 or 403, and certificates are the proxy's own.
                "http": {
                    "preferred_ip_protocol": "ip4",
                    "valid_status_codes": [200, 204, 301, 302, 303, 307, 308, 401, 403],
                    "tls_config": {"insecure_skip_verify": True},
                },
            },
            "port": {"prober": "tcp", "timeout": "5s", "tcp": {"preferred_ip_protocol": "ip4"}},
            "ping": {"prober": "icmp", "timeout": "5s", "icmp": {"preferred_ip_protocol": "ip4"}},
        }
    }


def _reaches(context: ServiceContext[PrometheusSettings]) -> tuple[Reach, ...]:
    guests = {guest.name: str(guest.address) for guest in context.guests}
    found = [Reach(address, f"prometheus asks {name} for an echo", protocol="ICMP") for name, address in guests.items()]
    if port := context.settings.node_exporter_port:
        found += [
            Reach(address, f"prometheus reads the node exporter of {name}", port) for name, address in guests.items()
        ]
    for name, job in context.settings.targets.items():
        for target in job.targets:
            host, _, number = target.rpartition(":")
            found.append(Reach(host, f"prometheus reads {name}", int(number)))
    return tuple(found)


def _variables(context: ServiceContext[PrometheusSettings]) -> Mapping[str, Any]:
    return {
        "port": PORT,
        "prober": PROBER,
        "configuration": yaml.safe_dump(scrape_configuration(context), sort_keys=False),
        "prober_configuration": yaml.safe_dump(prober_configuration(), sort_keys=False),
    }


SERVICE = Service(
    name="prometheus",
    title="Prometheus",
    description="Metrics of the environment: every service's page and ports, every guest, and your own targets.",
    number=6,
    hostname="prometheus",
    size=Size(cores=1, memory=2048, disk=8),
    settings=PrometheusSettings,
    ports=(ServicePort(PORT, "prometheus", web=True),),
    configure_variables=_variables,
    reaches=_reaches,
)
