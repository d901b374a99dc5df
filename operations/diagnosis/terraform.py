"""Causes in Terraform itself: providers, versions, state, and what it refuses."""

from __future__ import annotations

import re

from operations.diagnosis.diagnosis import Diagnosis, Rule, Subject

LAST_LINES = 12
"""How much of a script's output an error repeats."""


def too_old(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The stacks need a newer Terraform."""
    return Diagnosis(
        "terraform_too_old",
        f"Terraform {match[1]} is too old for these stacks",
        allowed="Terraform 1.9 or newer, or OpenTofu 1.9 or newer",
        fix=(
            "install it: https://developer.hashicorp.com/terraform/install or https://opentofu.org/docs/intro/install/",
            "another program than the one on PATH is named in TERRAFORM_BINARY_NAME",
        ),
    )


def other_version(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The mirror or registry has the provider, but not at this version."""
    return Diagnosis(
        "provider_version",
        f"the provider {match[1]} is not to be had at version {match[2]}",
        found="the provider mirror or registry has other versions of it only",
        allowed=f"exactly {match[2]}: the stacks are made and tested with it",
        fix=(
            "make providers   (fetches or builds it into the cache)",
            "further mirrors of your own are named in HOMELAB_PROVIDER_MIRRORS",
        ),
    )


def no_provider(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The provider is in no mirror, and the registry does not answer."""
    return Diagnosis(
        "provider_missing",
        f"the provider {match[1]} is not to be had",
        found=" ".join(match[2].split()),
        fix=("make providers   (fetches or builds it into the cache)",),
    )


def wrong_checksum(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The provider is another one than the one used before."""
    return Diagnosis(
        "provider_changed",
        f"the provider {match[1]} is not the one that this stack used before: its checksum is another one",
        found=f"{subject.stack}: .terraform.lock.hcl",
        fix=(
            "if you have rebuilt the provider, forget the old checksum and run the command again:",
            f"  rm cdktf.out/stacks/{subject.stack}/.terraform.lock.hcl",
            "if you have not, find out who replaced it",
        ),
    )


def broken_provider(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """The provider's program does not run."""
    return Diagnosis(
        "provider_broken",
        f"the provider {match[1]} does not start",
        found=match[2].strip() or "it may be built for another processor, incomplete, or not executable",
        fix=("make providers   (builds it anew)",),
    )


def locked(_match: re.Match[str], subject: Subject) -> Diagnosis:
    """Somebody else works on the same state."""
    info = dict(re.findall(r"^\s*(ID|Who|Operation|Created|Version|Path):[ \t]*(.*)$", subject.text, re.MULTILINE))
    who = info.get("Who", "somebody")
    what = info.get("Operation", "").removeprefix("OperationType").lower() or "work"
    return Diagnosis(
        "state_locked",
        (
            f"the state of {subject.stack} is locked: {who} is busy with it ({what}, since "
            f"{info.get('Created', 'an unknown time')})"
        ),
        found=f"lock {info.get('ID', 'without an ID')}",
        allowed="one at a time; nothing was changed",
        fix=(
            "wait until it has ended and run the command again",
            "only if that process is certainly dead:",
            (
                f"  {subject.surroundings.terraform} -chdir=cdktf.out/stacks/{subject.stack} force-unlock "
                f"{info.get('ID', 'ID')}"
            ),
        ),
    )


def stale(_match: re.Match[str], subject: Subject) -> Diagnosis:
    """The state has changed between plan and apply."""
    return Diagnosis(
        "plan_stale",
        f"the state of {subject.stack} has changed since it was planned: somebody else has applied something",
        fix=("run the command again: it plans anew; saved plans are made again with homelab review --save",),
    )


def prevented(match: re.Match[str], subject: Subject) -> Diagnosis:
    """Terraform refuses to destroy what has prevent_destroy."""
    resource = subject.resource
    what = resource.label if resource else match[1]
    return Diagnosis(
        "destroy_prevented",
        f"{what} would be destroyed or replaced, and is protected against that",
        allowed="templates and guests with protection: true are never destroyed by accident",
        fix=(
            "if it is a change that replaces it: give the new one another key and VMID instead",
            (
                "if it shall go: homelab destroy --include-protected, or remove its protection in the "
                "environment file first"
            ),
        ),
    )


def state_unreadable(match: re.Match[str], subject: Subject) -> Diagnosis:
    """The state file is broken."""
    return Diagnosis(
        "state_unreadable",
        f"the state of {subject.stack} can't be read",
        found=match[0],
        fix=(
            (
                "restore it from the backup beside it (.tfstate.backup) or from the versions of its bucket; "
                "nothing was changed"
            ),
        ),
    )


def no_space_here(match: re.Match[str], subject: Subject) -> Diagnosis:
    """This machine's disk is full."""
    return Diagnosis(
        "disk_full_here",
        "a file could not be written on this machine: its disk is full",
        found=match[0],
        fix=(f"make room, and look for errored.tfstate in cdktf.out/stacks/{subject.stack} before the next run",),
    )


def other_node(match: re.Match[str], _subject: Subject) -> Diagnosis:
    """A container shall be on another node, where the provider would make it anew."""
    name, number, here, there = match.groups()
    return Diagnosis(
        "container_on_other_node",
        f"container {name} ({number}) is on node {here}, and the environment says {there}: Terraform can't move "
        "containers",
        found=here,
        allowed=f"{here}, or to move it first",
        fix=(f"homelab migrate {name}   (moves it with its disks)", f"or write node: {here}"),
    )


def script_failed(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A script that runs beside Terraform ended badly."""
    said = match["output"].strip().splitlines()[-LAST_LINES:]
    what = subject.resource.label if subject.resource else "a script"
    return Diagnosis(
        "script_failed",
        f"{what} of {subject.stack} failed ({match['code']})",
        found="\n".join(said) or "it printed nothing",
        fix=("mend what it names and run the command again: the script runs once more",),
    )


RULES: tuple[Rule, ...] = (
    (
        re.compile(
            r"local-exec provisioner error\s+Error running command .*?: (?P<code>exit status \d+|signal: [\w ]+)"
            r"\. Output:(?P<output>.*)",
            re.DOTALL,
        ),
        script_failed,
    ),
    (
        re.compile(
            r"Container\s+(\S+)\s+\((\d+)\)\s+is\s+on\s+node\s+(\S+),\s+and\s+the\s+environment\s+says\s+(\S+?)\.\s"
        ),
        other_node,
    ),
    (re.compile(r"does not support (?:Terraform|OpenTofu) version ([\d.]+)"), too_old),
    (
        re.compile(
            r"versions for provider\s+(\S+):\s+no\s+available\s+releases\s+match\s+the\s+given\s+constraints\s+(\S+)"
        ),
        other_version,
    ),
    (re.compile(r"versions for provider\s+(\S+):\s+(.*?)(?:\n\n|$)", re.DOTALL), no_provider),
    (re.compile(r"Error while installing (\S+) v\S+: the local package.*?checksums", re.DOTALL), wrong_checksum),
    (re.compile(r'failed to instantiate provider "([^"]+)"([^\n]*(?:\n[^\n]+)?)'), broken_provider),
    (re.compile(r"Error acquiring the state lock"), locked),
    (re.compile(r"Saved plan is stale"), stale),
    (re.compile(r"Instance cannot be destroyed\s+Resource (\S+) has"), prevented),
    (
        re.compile(
            r"(?:Error (?:loading|refreshing) state|state file could not be|Failed to (?:load|read) "
            r"state)[^\n]*(?:\n[^\n]+)?"
        ),
        state_unreadable,
    ),
    (re.compile(r"Failed to (?:save|persist) state[^\n]*"), no_space_here),
)
