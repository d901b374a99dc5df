"""High availability: guests that another node can really start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab.config.checks import ha_rules
from homelab.config.checks.subject import Findings, Subject, written
from homelab.config.demand import disks_of
from homelab.config.expansion import ExpandedGuest
from homelab.config.ha_members import possible_nodes
from homelab.config.placement import objections
from homelab.config.problems import Problem, Severity
from homelab.config.virtual_machine import VirtualMachine


def check(subject: Subject) -> Iterator[Problem]:
    """Guests under HA have their disks elsewhere too, and rules are about guests under HA and don't contradict."""
    managed = [guest for guest in subject.guests if guest.definition.ha is not None]
    reported: set[object] = set()
    for guest in managed:
        for problem in (*_settings(subject, guest), *_elsewhere(subject, guest)):
            if (problem.path, problem.severity) not in reported:
                reported.add((problem.path, problem.severity))
                yield problem
    if managed:
        yield from _majority(subject, managed[0])
    yield from ha_rules.check(subject)


def _settings(subject: Subject, guest: ExpandedGuest) -> Iterator[Problem]:
    definition = guest.definition
    path = (*guest.path, "ha")
    if definition.ha is None:
        return
    if not isinstance(definition, VirtualMachine) and definition.template:
        yield Problem(path, "a template container never runs", True, "no ha", "remove ha")
        return
    if definition.started != (definition.ha.state == "started") and definition.ha.state != "ignored":
        here = "runs" if definition.started else "does not run"
        yield Problem(
            (*path, "state"),
            f"Terraform sees to it that {guest.key} {here} (started: {str(definition.started).lower()}), and HA to the "
            "opposite",
            value=definition.ha.state,
            allowed="started with started: true, else stopped, disabled or ignored",
            fix="write state: stopped" if not definition.started else "write started: false, or state: started",
        )
    if definition.ha.failback is not None and subject.environment.proxmox.version < 9:
        fix = "remove failback; HA groups of Proxmox VE 8 fail back by themselves"
        yield Problem((*path, "failback"), "Proxmox VE 8 has no failback for a guest", definition.ha.failback, fix=fix)


def _elsewhere(subject: Subject, guest: ExpandedGuest) -> Iterator[Problem]:
    """Whether any other node can start the guest when its own has failed."""
    environment = subject.environment
    path = (*guest.path, "ha")
    nodes = environment.proxmox.nodes
    own = nodes.get(guest.node or "")
    if own is None or len(nodes) < 2:
        return
    targets = {job.target for job in guest.definition.replication if job.target != guest.node}
    for datastore in dict.fromkeys(disk.datastore for disk in disks_of(environment, guest)):
        known = own.datastores.get(datastore)
        if known is not None and not known.shared and not targets:
            yield Problem(
                path,
                f"the disks of {guest.key} are on {datastore} of {guest.node} alone, and no other node can start it",
                value=datastore,
                allowed="shared datastores (shared: true), or replication to another node",
                fix="add replication, or move it to a shared datastore; HA without either only restarts it in place",
                refers_to=("proxmox", "nodes", str(guest.node), "datastores", datastore),
            )
            return
    others = [node for node in possible_nodes(environment, guest, subject.guests) if node != guest.node]
    if targets:
        others = [node for node in others if node in targets]
    unable = {node: reason for node in others if (reason := _unable(subject, guest, node))}
    if len(unable) == len(others):
        why = "; ".join(f"{node}: {reason}" for node, reason in unable.items()) or "its rule and replication leave none"
        allowed = "another node with its datastores and bridges"
        yield Problem(path, f"no other node can start {guest.key}: {why}", guest.node, allowed, "add what is missing")
    elif unable:
        why = "; ".join(f"{node}: {reason}" for node, reason in unable.items())
        fix = "add what is missing, or a strict node-affinity rule without these nodes"
        message = f"HA may choose nodes that can't start {guest.key}: {why}"
        yield Problem(path, message, fix=fix, severity=Severity.WARNING)
    yield from _bound_to_its_node(guest)


def _unable(subject: Subject, guest: ExpandedGuest, node: str) -> str:
    definition = guest.definition
    environment = subject.environment
    if isinstance(definition, VirtualMachine) and definition.cloud_init.user_data is not None:
        known = environment.proxmox.nodes[node].datastores.get(environment.defaults.snippet_datastore)
        if known is not None and not known.shared:
            return f"its user data is on {environment.defaults.snippet_datastore} of {guest.node} alone"
    reasons = objections(environment, guest, node)
    # HA goes by its own rules and asks no policy, and a container's template is not needed once it is made.
    skipped = ("it is not among the nodes of placement.", "for vztmpl")
    return next((reason for reason in reasons if not any(part in reason for part in skipped)), "")


def _bound_to_its_node(guest: ExpandedGuest) -> Iterator[Problem]:
    definition = guest.definition
    if isinstance(definition, VirtualMachine):
        bound = [device.id for device in definition.pci_devices if device.id is not None]
        key = "pci_devices"
    else:
        bound = [point.host_path for point in definition.mount_points.values() if point.host_path and not point.shared]
        key = "mount_points"
    if bound:
        message = f"{written(guest.path)} uses {', '.join(bound)} of its node, which Proxmox does not move"
        fix = "use a hardware mapping, or shared: true where the folder is on every node"
        yield Problem((*guest.path, key), message, allowed="nothing of one node", fix=fix, severity=Severity.WARNING)


def _majority(subject: Subject, guest: ExpandedGuest) -> Iterator[Problem]:
    votes = len(subject.environment.proxmox.nodes) + subject.environment.ha.qdevice
    path = (*guest.path, "ha")
    if len(subject.environment.proxmox.nodes) < 2:
        allowed = "a cluster of at least two nodes and three votes"
        yield Problem(path, "HA moves guests to another node, and there is none", True, allowed, "remove ha")
    elif votes < 3:
        yield Problem(
            path,
            "a cluster of two votes has no majority when one node fails, and HA then does nothing",
            value=f"{votes} votes",
            allowed="three votes or more",
            fix="add a node, or a QDevice and ha.qdevice: true",
            severity=Severity.WARNING,
        )


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """The id of a rule is there once in a cluster."""
    owners: dict[str, Subject] = {}
    for subject in subjects:
        for name in subject.environment.ha.rules:
            owner = owners.setdefault(name, subject)
            if owner is not subject:
                message = f"environment {owner.environment.name} has a rule {name} already"
                yield subject, Problem(("ha", "rules", name), message, name, "an id of its own", "choose another id")
