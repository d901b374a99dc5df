"""``homelab adopt``: an environment file for what is on a Proxmox VE already."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homelab.config.environment import Environment
    from operations.adoption.adopting import Adoption, Wishes
    from operations.adoption.networks import Place
    from operations.adoption.reading import FoundCluster

NAME = "home"


def adopt(
    node: Annotated[
        list[str] | None,
        typer.Option("--node", metavar="NODE", help="A node; can be repeated. All when left out."),
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", "-e", metavar="NAME", help="Name of the environment to write.")
    ] = NAME,
    network: Annotated[
        list[str] | None,
        typer.Option(
            "--network",
            metavar="BRIDGE[.VLAN]=CIDR",
            help="The subnet of a bridge where nothing on the node tells it; can be repeated.",
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over an environment file that is there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print file and report, and write nothing.")] = False,
) -> int:
    """Write an environment file for what is on Proxmox already, so that the first plan creates nothing.

    Reads the API only (PROXMOX_VE_ENDPOINT and credentials, as the provider does). Writes environments/NAME.yaml and
    environments/NAME.adoption.md, which says what was not adopted and why.
    """
    from operations.adoption.checking import AdoptionError, checked
    from operations.adoption.documents import environment_text, report_text, summary
    from operations.command_line.errors import CommandError
    from operations.command_line.project import project_root

    root = project_root()
    file = root / "environments" / f"{environment}.yaml"
    _require_name(environment)
    subnets = dict(_subnet(text) for text in network or ())
    if not (force or dry_run):
        _require_absent(file)
    others = _others(root, file)
    cluster = _read(node or [])
    wishes = _wishes(others, subnets)
    try:
        adoption = checked(cluster, wishes, name=environment, others=list(others))
    except AdoptionError as error:
        raise CommandError(f"what was read makes no environment; nothing was written\n{error}") from None
    if not adoption.entries:
        reasons = "\n".join(f"    {guest.label}: {reason}" for guest, reason in adoption.refused)
        raise CommandError(f"there is nothing to adopt; nothing was written\n{reasons}".rstrip())
    report = file.with_name(f"{environment}.adoption.md")
    text = environment_text(adoption, endpoint=wishes.endpoint, report=report.name)
    said = report_text(adoption, name=environment, endpoint=wishes.endpoint)
    if dry_run:
        typer.echo(f"{text}\n{said}", nl=False)
        return 0
    # The environment file last: without it nothing has happened.
    _write(report, said)
    _write(file, text)
    typer.echo(_closing(adoption, summary(adoption), file, report))
    return 0


def _require_name(name: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from homelab.config.names import Key
    from operations.command_line.errors import UsageError

    try:
        TypeAdapter(Key).validate_python(name)
    except ValidationError:
        raise UsageError(
            f"{name} is no name for an environment\n    allowed:  a letter, then a-z, 0-9 and -, not - last\n"
            f"    fix:      --environment {NAME}"
        ) from None


def _require_absent(file: Path) -> None:
    from operations.command_line.errors import UsageError

    for there in (file, file.with_suffix(".yml")):
        if there.exists():
            raise UsageError(
                f"{there} is there already, and adopting would write over it\n"
                "    fix:      --environment with another name, or --force to write over it"
            )


def _subnet(text: str) -> tuple[Place, IPv4Network]:
    from operations.command_line.errors import UsageError

    place, _, subnet = text.partition("=")
    bridge, _, vlan = place.partition(".")
    try:
        number = int(vlan) if vlan else None
        known = IPv4Network(subnet)
    except ValueError:
        bridge = ""
    if not bridge or (number is not None and not 1 <= number <= 4094):
        raise UsageError(
            f"--network {text} names no subnet\n    allowed:  BRIDGE=CIDR or BRIDGE.VLAN=CIDR\n"
            "    fix:      --network vmbr0.30=10.0.30.0/24"
        )
    return (bridge, number), known


def _others(root: Path, file: Path) -> dict[Path, Environment]:
    from homelab.config.image_lock import default_lock_path, read_image_lock
    from homelab.config.loading import load_environments
    from homelab.config.problems import InvalidEnvironment
    from homelab.config.selection import environment_files
    from operations.command_line.errors import CommandError

    paths = [path for path in environment_files(root) if path != file]
    try:
        loaded = load_environments(paths, read_image_lock(default_lock_path(root)))
    except InvalidEnvironment as error:
        names = ", ".join(sorted({Path(problem.file).name for problem in error.problems if problem.file}))
        raise CommandError(
            f"{error} ({names}), so it isn't known what is this project's already\n    fix:      homelab check"
        ) from None
    return dict(zip(paths, loaded.environments, strict=True))


@contextmanager
def _explained(endpoint: str) -> Iterator[None]:
    from operations.adoption.reading import ReadError
    from operations.command_line.errors import CommandError, UsageError
    from operations.proxmox_api import ProxmoxError

    try:
        yield
    except ReadError as error:
        raise UsageError(str(error)) from None
    except ProxmoxError as error:
        raise CommandError(
            f"{endpoint} can't be read: {error}\n"
            "    needs:    VM.Audit, Datastore.Audit, Sys.Audit and Pool.Audit on /\n"
            "    fix:      check PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN (or _USERNAME and _PASSWORD), and "
            "SSL_CERT_FILE"
        ) from None


def _read(nodes: Sequence[str]) -> FoundCluster:
    from operations.adoption.reading import read_cluster
    from operations.command_line.errors import UsageError
    from operations.proxmox_api import Credentials, ProxmoxApi

    endpoint = _endpoint()
    credentials = Credentials.from_environment(os.environ)
    if not endpoint or not credentials.are_complete:
        missing = "PROXMOX_VE_ENDPOINT" if not endpoint else "PROXMOX_VE_API_TOKEN"
        raise UsageError(f"{missing} is not set\n    fix:      export {missing}=...; docs/adopting.md shows the rest")
    with _explained(endpoint), ProxmoxApi(endpoint, credentials, os.environ, insecure=_insecure()) as api:
        return read_cluster(api, nodes)


def _endpoint() -> str:
    return os.environ.get("PROXMOX_VE_ENDPOINT", "").rstrip("/").removesuffix("/api2/json").rstrip("/")


def _insecure() -> bool:
    return os.environ.get("PROXMOX_VE_INSECURE", "").lower() in {"1", "true", "yes"}


def _wishes(others: dict[Path, Environment], subnets: dict[Place, IPv4Network]) -> Wishes:
    from homelab.config.expansion import expand
    from operations.adoption.adopting import Wishes

    endpoint = _endpoint()
    skipped: dict[int, str] = {}
    pools: set[str] = set()
    firewall = True
    for path, other in others.items():
        if other.proxmox.endpoint != endpoint:
            continue
        reason = f"it is in environments/{path.name} already"
        skipped |= {guest.vm_id: reason for guest in expand(other)}
        skipped |= {template.vm_id: reason for template in other.templates.values()}
        pools |= {name for name, pool in other.pools.items() if pool.create}
        firewall = firewall and other.firewall is None
    return Wishes(endpoint, _insecure(), subnets, skipped, pools, firewall)


def _write(path: Path, text: str) -> None:
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as temporary:
        try:
            temporary.write(text)
            temporary.flush()
            Path(temporary.name).chmod(0o644)
            Path(temporary.name).replace(path)
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise


def _closing(adoption: Adoption, summary: str, file: Path, report: Path) -> str:
    from homelab.config.selection import seen_from_here

    lines = [summary, *(f"  {guest.label}: {reason}" for guest, reason in adoption.refused)]
    lines += [
        "",
        f"Wrote {seen_from_here(file)} and {seen_from_here(report)}. Next:",
        f"  read {seen_from_here(report)}, and the file",
        f"  homelab deploy --environment {file.stem} --dry-run    nothing is created, replaced or destroyed",
        f"  homelab deploy --environment {file.stem}              imports it; Proxmox stays as it is",
    ]
    return "\n".join(lines)
