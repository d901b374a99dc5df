"""Causes on the node: tasks that fail, guests locked, taken or protected, datastores full or absent."""

from __future__ import annotations

import re

from operations.diagnosis.diagnosis import Diagnosis, Rule, Subject

_TASKS = {
    "vzcreate": "creating the container",
    "vzclone": "cloning the container",
    "vzstart": "starting the container",
    "vzdestroy": "removing the container",
    "qmcreate": "creating the VM",
    "qmclone": "cloning the VM",
    "qmstart": "starting the VM",
    "qmconfig": "configuring the VM",
    "qmdestroy": "removing the VM",
    "qmtemplate": "making the template",
    "qmresize": "growing the disk",
    "resize": "growing the disk",
    "download": "downloading the image",
    "imgdel": "removing the file",
    "imgcopy": "copying the file",
}
_RESUME = "run the same command again: it continues where it stopped"


def _what(subject: Subject) -> str:
    return subject.resource.label if subject.resource else "the guest"


def exists(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A VMID is taken."""
    resource = subject.resource
    number = match[1] or (resource.vm_id if resource else None) or "VMID"
    node = resource.node if resource and resource.node else "NODE"
    address = resource.address if resource else "ADDRESS"
    return Diagnosis(
        "already_exists",
        f"a guest with VMID {number} exists already, and no state of this environment knows it",
        found=match[0],
        fix=(
            "if it is another one: give yours a VMID that is free",
            "if it is this one (its state was lost, or it was made by hand), adopt it:",
            (
                f"  {subject.surroundings.terraform} -chdir=cdktf.out/stacks/{subject.stack} import '{address}' "
                f"{node}/{number}"
            ),
        ),
    )


def file_exists(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """A file is on the datastore already."""
    return Diagnosis(
        "file_exists",
        "the file is on the datastore already, and no state of this environment knows it",
        found=match[0],
        fix=("remove it on the node (pvesm free VOLUME) if nothing uses it, and run the command again",),
    )


def locked(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A guest is locked by something that runs on the node."""
    lock = match[1] if match.re.groups and match[1] else ""
    why = {
        "backup": "a backup of it is running",
        "clone": "it is being cloned",
        "create": "it is being created",
        "migrate": "it is being migrated",
        "rollback": "a snapshot is being rolled back",
        "snapshot": "a snapshot of it is being taken",
        "snapshot-delete": "a snapshot of it is being removed",
        "suspended": "it is suspended to disk",
    }.get(lock, "another task works on it")
    number = subject.resource.vm_id if subject.resource and subject.resource.vm_id else "VMID"
    tool = "pct" if subject.resource and "container" in subject.resource.type else "qm"
    return Diagnosis(
        "guest_locked",
        f"{_what(subject)} is locked: {why}",
        found=match[0],
        fix=(
            "wait for it (Tasks in the web interface) and run the same command again",
            f"only if nothing runs any more: {tool} unlock {number}, on the node",
        ),
    )


def full(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A datastore of the node is full."""
    return Diagnosis(
        "storage_full",
        f"there is not enough space on the datastore for {_what(subject)}",
        found=match[0].strip(),
        fix=(
            "see what there is: pvesm status, on the node",
            "make room, choose another datastore or a smaller disk; " + _RESUME,
        ),
    )


def protected(match: re.Match[str], subject: Subject) -> Diagnosis:
    """Proxmox refuses to remove a protected guest."""
    return Diagnosis(
        "guest_protected",
        f"Proxmox does not remove {_what(subject)}: it is protected",
        found=match[0],
        fix=(
            "homelab destroy --include-protected removes what is protected too; for this guest alone, on the node:",
            "  qm set VMID --protection 0   (pct set for a container)",
        ),
    )


def no_node(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The cluster has no such node, or can't reach it."""
    node = (
        match[1]
        if match.re.groups and match[1]
        else (subject.resource.node if subject.resource else None) or "the node"
    )
    return Diagnosis(
        "node_unknown",
        f"{subject.surroundings.host or 'Proxmox'} does not reach the node {node}",
        found=match[0],
        allowed="the nodes of the cluster: pvesh get /nodes",
        fix=("correct proxmox.nodes in the environment file, or start the node",),
    )


def no_bridge(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The bridge of a network isn't there."""
    return Diagnosis(
        "bridge_missing",
        f"the node has no bridge {match[1]}, which {_what(subject)} is connected to",
        found=match[0],
        fix=("make it on the node (Network), or correct `bridge` of the network in the environment file", _RESUME),
    )


def no_datastore(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A datastore isn't there or does not take this."""
    return Diagnosis(
        "datastore_unfit",
        f"the datastore {match[1]} can't hold {_what(subject)}",
        found=match[0],
        fix=(f"pvesm set {match[1]} --content ... on the node, or name another datastore in the environment file",),
    )


def no_such_guest(match: re.Match[str], subject: Subject) -> Diagnosis:
    """Something refers to a guest that isn't there, such as a template."""
    return Diagnosis(
        "guest_missing",
        f"{_what(subject)} needs guest {match[2]} on {match[1]}, which does not exist",
        found=match[0],
        fix=(
            "if it is the template: deploy the templates first (`homelab deploy templates`)",
            "if it was removed by hand: run the command again, the next plan makes it anew",
        ),
    )


def no_image(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The image or container template that a guest is made from is not on the datastore any more."""
    option = f" --environment {name}" if (name := subject.surroundings.environment) else ""
    return Diagnosis(
        "image_missing",
        f"{_what(subject)} is made from a file that is not on its datastore any more",
        found=match[0],
        fix=(
            f"homelab deploy templates{option}, which downloads it again",
            _RESUME,
        ),
    )


def no_template(match: re.Match[str], subject: Subject) -> Diagnosis:
    """What is cloned is no template any more and runs, so that Proxmox does not copy it."""
    _, is_service, service = subject.stack.partition("-service-")
    return Diagnosis(
        "template_runs",
        f"{_what(subject)} can't be cloned: what it is cloned from runs, and is no template any more",
        found=match[0],
        allowed="a template, or a container that is stopped",
        fix=(
            f"homelab deploy services --rebuild-template {service}"
            if is_service
            else "stop it, and convert it to a template again",
            _RESUME,
        ),
    )


def checksum(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A download isn't what its checksum says."""
    return Diagnosis(
        "checksum_mismatch",
        f"{_what(subject)} is not what its checksum says",
        found=match[0],
        fix=("homelab images lock --update, after reading what the vendor says about the new build",),
    )


def agent(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The guest agent does not answer."""
    return Diagnosis(
        "agent_silent",
        f"the guest agent of {_what(subject)} does not answer, so its address is not known",
        found=match[0].strip(),
        fix=(
            "see in its console whether it has started and has a network",
            "where the image has no qemu-guest-agent: agent: false",
        ),
    )


def task_failed(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """A task ended with an error that has no rule of its own."""
    node, kind = match[1], match[2]
    return Diagnosis(
        "task_failed",
        f"{_TASKS.get(kind, f'the task {kind}')} failed on {node}",
        found=match[3].strip(),
        fix=("correct what it names (the whole log is under Tasks in the web interface)", _RESUME),
    )


def broken_connection(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The connection ended in the middle of a request."""
    return Diagnosis(
        "connection_lost",
        f"{subject.surroundings.host or 'the node'} closed the connection in the middle of a request",
        found=match[0],
        fix=("see whether pveproxy was restarted (journalctl -u pveproxy, on the node)", _RESUME),
    )


def server_error(match: re.Match[str], subject: Subject) -> Diagnosis:
    """Proxmox says no for a reason that has no rule of its own."""
    return Diagnosis(
        "refused_by_proxmox",
        f"Proxmox refused it ({match[1]}): {_what(subject)}",
        found=match[2].strip(),
        fix=("correct what it names; " + _RESUME,),
    )


def interrupted(_match: re.Match[str], _subject: Subject) -> Diagnosis:
    """Stopped by Ctrl-C."""
    return Diagnosis("interrupted", "stopped on request", fix=(_RESUME,))


RULES: tuple[Rule, ...] = (
    (re.compile(r"execution halted|context canceled"), interrupted),
    (
        re.compile(
            r"(?:VM|CT|guest) (\d+)(?: already exists|: config file already exists| already exists on node[^\n]*)"
        ),
        exists,
    ),
    (re.compile(r"file \"?[^\n]* already exists|File already exists in the datastore[^\n]*"), file_exists),
    (re.compile(r"(?:VM|CT) is locked \(([\w-]+)\)"), locked),
    (re.compile(r"can't lock file[^\n]*got timeout"), locked),
    (
        re.compile(
            r"[^\n:]*(?:no space left|[Ii]nsufficient free space|out of space|not enough (?:free "
            r")?space|free space in thin pool \S+ reached threshold)[^\n]*"
        ),
        full,
    ),
    (re.compile(r"can't remove (?:VM|CT) \d+ - protection mode enabled|protection mode enabled"), protected),
    (re.compile(r"hostname lookup '([^']+)' failed[^\n]*"), no_node),
    (re.compile(r"received an HTTP 595 response[^\n]*"), no_node),
    (re.compile(r"bridge '([^']+)' does not exist"), no_bridge),
    (
        re.compile(
            r"storage '([^']+)' (?:does not (?:exist|support)|is not (?:available|configured|online)|is disabled)[^\n]*"
        ),
        no_datastore,
    ),
    (re.compile(r"Configuration file 'nodes/([^/]+)/(?:qemu-server|lxc)/(\d+)\.conf' does not exist"), no_such_guest),
    (re.compile(r"volume '[^':]+:(?:vztmpl|iso|import)/[^']+' does not exist"), no_image),
    (re.compile(r"Cannot do full clones on a running container without snapshots"), no_template),
    (re.compile(r"[^\n]*checksum mismatch[^\n]*|[^\n]*wrong checksum[^\n]*", re.IGNORECASE), checksum),
    (
        re.compile(
            r"[^\n]*(?:QEMU guest agent|qemu-guest-agent|network interfaces from)[^\n]*(?:time|not running)[^\n]*",
            re.IGNORECASE,
        ),
        agent,
    ),
    (
        re.compile(r'task "UPID:([^:]+):[^:]+:[^:]+:[^:]+:([^:]+):[^"]*" failed to complete with exit code: ([^\n]*)'),
        task_failed,
    ),
    (
        re.compile(r"Reason: (?:Get|Post|Put|Delete) \"[^\"]*\": (?:EOF|[^\n]*connection reset[^\n]*)"),
        broken_connection,
    ),
    (re.compile(r"received an HTTP (4\d\d|5\d\d) response - Reason: ([^\n]*)"), server_error),
)
