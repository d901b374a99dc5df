"""The end of a deployment on one screen: guests, addresses, outputs, what failed, and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.deployment.changes import done
from operations.deployment.tools import StackResult
from operations.diagnosis.diagnosis import Diagnosis
from operations.review import Review, as_document

SCHEMA_VERSION = 1
LISTED = 40
"""How many guests the screen lists; ``--json`` has all of them."""


@dataclass(frozen=True)
class Guest:
    """A guest or template as the outputs name it, and as Proxmox says it is."""

    key: str
    kind: str
    vm_id: int
    name: str
    node: str
    address: str | None
    status: str
    """``running``, ``stopped``, ``template``, ``missing``; empty where nobody asked Proxmox."""
    user: str | None = None


_OUTPUTS = {"templates_created": "template", "vms_created": "VM", "lxc_containers_created": "container"}


def guests_of(results: Iterable[StackResult], there: Mapping[int, Mapping[str, Any]] | None) -> list[Guest]:
    """The guests in the outputs of ``results``, by VMID.

    Args:
        there: what ``/cluster/resources`` lists; None when it was not asked.
    """
    found = []
    for result in results:
        for output, kind in _OUTPUTS.items():
            for key, value in (result.outputs.values.get(output) or {}).items():
                found.append(_guest(key, kind, value, there))
    return sorted(found, key=lambda guest: guest.vm_id)


def _guest(key: str, kind: str, value: Mapping[str, Any], there: Mapping[int, Mapping[str, Any]] | None) -> Guest:
    number = int(value["vm_id"])
    status = ""
    if there is not None:
        entry = there.get(number)
        status = "missing" if entry is None else "template" if entry.get("template") else str(entry.get("status", ""))
    return Guest(
        key,
        kind,
        number,
        str(value.get("hostname") or value.get("name") or key),
        str(value.get("node", "")),
        value.get("address"),
        status,
        value.get("user"),
    )


def show_results(console: Console, results: Sequence[StackResult]) -> None:
    """One line for each stack that was worked on."""
    for result in results:
        line = Text.assemble("  ", (f"{result.status:<12}", _STYLES.get(result.status, "")), result.name)
        if result.status in ("applied", "destroyed") and result.changes:
            line.append(f"  {done(result.changes)}", "dim")
        if result.diagnoses:
            line.append(f"  {result.diagnoses[0].message}", "dim")
        if result.waits_for:
            line.append(f"  {_REASONS[result.status].format(result.waits_for)}", "dim")
        if result.status in ("applied", "destroyed"):
            line.append(f"  {result.seconds:.0f} s", "dim")
        console.print(line, soft_wrap=True)


_REASONS = {
    "waiting": "not begun: {} failed",
    "held": "only {} needs it, which failed",
    "later": "planned when {} is applied",
}
_STYLES = {
    "applied": "green",
    "destroyed": "green",
    "failed": "red",
    "interrupted": "yellow",
    "waiting": "yellow",
    "kept": "yellow",
    "held": "yellow",
}


def show_guests(console: Console, guests: Sequence[Guest]) -> None:
    """The table of guests."""
    if not guests:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("VMID", "guest", "kind", "node", "address", "state"):
        table.add_column(column, justify="right" if column == "VMID" else "left", overflow="fold")
    for guest in guests[:LISTED]:
        style = "red" if guest.status == "missing" else ""
        state = "" if guest.status == "template" else guest.status
        table.add_row(
            str(guest.vm_id),
            guest.name,
            guest.kind,
            guest.node,
            guest.address or ("" if guest.kind == "template" else "not known yet"),
            Text(state, style),
        )
    console.print()
    console.print(table)
    if len(guests) > LISTED:
        console.print(f"… and {len(guests) - LISTED} more: homelab deploy --json lists them")


def pages_of(results: Iterable[StackResult]) -> dict[str, str]:
    """The web pages in the outputs of ``results`` by name: texts called ``url`` or ``..._url``, maps ``..._urls``."""
    found: dict[str, str] = {}
    for result in results:
        for output, value in result.outputs.values.items():
            if output.endswith("urls") and isinstance(value, Mapping):
                found.update({str(name): str(url) for name, url in value.items() if url})
            elif (output == "url" or output.endswith("_url")) and isinstance(value, str) and value:
                found[output.removesuffix("url").removesuffix("_") or result.name] = value
    return dict(sorted(found.items()))


def show_pages(console: Console, pages: Mapping[str, str]) -> None:
    """Where a browser finds what was deployed."""
    if pages:
        console.print()
    width = max(map(len, pages), default=0)
    for name, url in pages.items():
        console.print(Text.assemble(f"{name:<{width}}  ", (url, "cyan")), soft_wrap=True)


def show_outputs(console: Console, results: Sequence[StackResult], environment: str) -> None:
    """What the outputs say in sum, and which there are; values are in ``--json``, sensitive ones in Terraform only."""
    total: Counter[str] = Counter()
    for result in results:
        summary = result.outputs.values.get("infrastructure_summary") or {}
        total.update({name: int(summary.get(f"{name}_count", 0)) for name in ("templates", "vms", "lxc")})
    words = {"templates": "template", "vms": "VM", "lxc": "container"}
    made = [f"{total[name]} {word}{'' if total[name] == 1 else 's'}" for name, word in words.items() if total[name]]
    names = sorted({name for result in results for name in result.outputs.values})
    if made:
        console.print(f"\nTogether {', '.join(made)}.")
    if names:
        console.print(f"Outputs: {', '.join(names)}.", style="dim")
        console.print(
            f"Their values: homelab deploy --environment {environment} --yes --json", style="dim", soft_wrap=True
        )
    for result in results:
        for name in result.outputs.sensitive:
            console.print(
                f"Secret output: terraform -chdir=cdktf.out/stacks/{result.name} output {name}",
                style="dim",
                soft_wrap=True,
            )


def show_failures(console: Console, results: Sequence[StackResult], *, verbose: bool) -> None:
    """Each cause once, with what to do."""
    shown: set[tuple[str, str, str]] = set()
    for result in results:
        for item in result.diagnoses:
            same = (item.kind, item.message, item.found)
            if same not in shown and item.kind != "interrupted":
                shown.add(same)
                show_diagnosis(console, item, verbose=verbose)


def show_diagnosis(console: Console, item: Diagnosis, *, verbose: bool) -> None:
    """One cause."""
    console.print(Text.assemble(("\nerror: ", "bold red"), item.render(verbose=verbose)), soft_wrap=True)


def next_steps(environment: str, guests: Sequence[Guest]) -> list[str]:
    """What to do after a deployment that went well."""
    steps = []
    reachable = next((guest for guest in guests if guest.address and guest.kind != "template"), None)
    if reachable is not None:
        steps.append(f"ssh {reachable.user or 'root'}@{reachable.address}")
    steps.append(f"homelab deploy --environment {environment} --dry-run   shows what has changed since")
    steps.append(f"homelab destroy --environment {environment}            removes it all")
    return steps


def as_json(
    command: str,
    environment: str,
    results: Sequence[StackResult],
    guests: Sequence[Guest],
    *,
    errors: Sequence[Diagnosis] = (),
    reviews: Sequence[Review] = (),
    code: int = 0,
) -> dict[str, Any]:
    """The result for machines."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "environment": environment,
        "exit_code": code,
        "stacks": [result.as_json() for result in results],
        "reviews": [as_document(judged) for judged in reviews],
        "guests": [asdict(guest) for guest in guests],
        "pages": pages_of(results),
        "errors": [item.as_json() for item in (*errors, *(item for result in results for item in result.diagnoses))],
    }
