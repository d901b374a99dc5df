"""Says what went wrong so that a person can mend it: what happened, where, what is allowed, and what to do next.

Terraform's and the provider's errors name the call that failed, ten times over when ten resources needed it. Here each
cause is named once, with every resource it hit; the original text stays at hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from operations.redaction import redact
from operations.terraform.messages import Diagnostic
from operations.terraform.stacks import Resource, Stack
from operations.terraform.terraform import TerraformError, killed_by

MAXIMUM_PLACES = 6


@dataclass(frozen=True)
class Surroundings:
    """What a diagnosis can name besides the error itself."""

    environment: str = ""
    endpoint: str = ""
    file: str = ""
    """The environment file."""
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    key_paths: Mapping[str, str] = field(default_factory=dict)
    """Where the environment file defines a construct, such as ``vms.web`` for ``web-1``."""
    privileges: tuple[str, ...] = ()
    """What the environment's token needs on ``/``."""
    terraform: str = "terraform"
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def host(self) -> str:
        """The endpoint's host and port."""
        return self.endpoint.removeprefix("https://").rstrip("/")

    @property
    def vm_ids(self) -> frozenset[int]:
        """The VMIDs of the environment's guests and templates."""
        resources = (resource for stack in self.stacks.values() for resource in stack.resources.values())
        return frozenset(resource.vm_id for resource in resources if resource.vm_id is not None)


@dataclass(frozen=True)
class Diagnosis:
    """One cause.

    Attributes:
        kind: its name, for machines: ``wrong_token``, ``guest_locked``, ...
        message: what happened.
        found: the decisive words of the original.
        allowed: what would have been right.
        fix: what to do, one step a line.
        places: stacks, resources and keys of the environment file that it hit.
        original: the whole text, without secrets.
    """

    kind: str
    message: str
    found: str = ""
    allowed: str = ""
    fix: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    original: str = ""

    def render(self, *, verbose: bool = False) -> str:
        """Lines of plain text; with ``verbose`` the original below."""
        lines = [self.message]
        shown = self.places[:MAXIMUM_PLACES]
        rest = len(self.places) - len(shown)
        lines += _block("where", [*shown, *([f"and {rest} more"] if rest else [])])
        lines += _block("found", self.found.splitlines())
        lines += _block("allowed", self.allowed.splitlines())
        lines += _block("fix", self.fix)
        if verbose and self.original:
            lines += _block("original", self.original.splitlines())
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The same for machines."""
        return {
            "kind": self.kind,
            "message": self.message,
            "found": self.found,
            "allowed": self.allowed,
            "fix": list(self.fix),
            "where": list(self.places),
            "original": self.original,
        }


def _block(name: str, lines: Iterable[str]) -> list[str]:
    return [f"    {(name + ':' if index == 0 else ''):9} {line}".rstrip() for index, line in enumerate(lines)]


@dataclass(frozen=True)
class Subject:
    """What a rule looks at."""

    text: str
    stack: str
    step: str
    resource: Resource | None
    surroundings: Surroundings


Build = Callable[[re.Match[str], Subject], Diagnosis]
Rule = tuple[re.Pattern[str], Build]


def diagnose(error: TerraformError, surroundings: Surroundings) -> list[Diagnosis]:
    """The causes of a failed run, each once.

    A cause that only follows from another, such as Terraform's own closing words, is left out where another is known.
    """
    if signal := killed_by(error.code):
        return [_killed(signal, error, surroundings)]
    errors = [item for item in error.diagnostics if item.severity == "error"] or [
        Diagnostic("error", error.text.strip() or str(error))
    ]
    merged: dict[tuple[str, str, str], Diagnosis] = {}
    for item in errors:
        found = _diagnose_one(item, error, surroundings)
        key = (found.kind, found.message, found.found)
        known = merged.get(key)
        if known is None:
            merged[key] = found
        else:
            places = tuple(dict.fromkeys([*known.places, *found.places]))
            merged[key] = replace(known, places=places, original=f"{known.original}\n\n{found.original}")
    return list(merged.values())


def _killed(signal: str, error: TerraformError, surroundings: Surroundings) -> Diagnosis:
    return Diagnosis(
        "terraform_killed",
        f"Terraform was killed ({signal}) during {error.step}, before it could save its state",
        fix=(
            "run the same command again: a guest that it left half-made is found and completed",
            "if nobody killed it, see whether memory ran out: dmesg | grep -i 'killed process'",
        ),
        places=(f"stack {error.stack}",),
        original=redact(error.text, surroundings.secrets),
    )


def _diagnose_one(item: Diagnostic, error: TerraformError, surroundings: Surroundings) -> Diagnosis:
    from operations.diagnosis.rules import RULES

    text = redact(item.text, surroundings.secrets)
    stack = surroundings.stacks.get(error.stack)
    resource = (
        stack.resource(item.address) if stack and item.address and not item.address.startswith("provider[") else None
    )
    if (
        resource is None
        and stack
        and (match := re.search(r"\b([a-z_]+\.[A-Za-z][\w-]+)\b", text))
        and match[1] in stack.resources
    ):
        resource = stack.resources[match[1]]
    subject = Subject(text, error.stack, error.step, resource, surroundings)
    summary = redact(item.summary, surroundings.secrets)
    found = first_match(RULES, subject) or Diagnosis(
        "unknown",
        f"{error.step} of {error.stack} failed: {summary}",
        found=redact(item.detail, surroundings.secrets),
        fix=("correct what it names and run the command again: what was done until then is in the state",),
    )
    return replace(found, places=found.places or place_of(subject), original=text)


def first_match(rules: Sequence[Rule], subject: Subject) -> Diagnosis | None:
    """What the first rule that fits says."""
    for pattern, build in rules:
        if match := pattern.search(subject.text):
            return build(match, subject)
    return None


def place_of(subject: Subject) -> tuple[str, ...]:
    """Where it happened: stack, resource, and the key in the environment file."""
    parts = [f"stack {subject.stack}"] if subject.stack else []
    if subject.resource is not None:
        parts.append(subject.resource.label)
        if key_path := subject.surroundings.key_paths.get(subject.resource.construct):
            parts.append(f"{subject.surroundings.file}: {key_path}" if subject.surroundings.file else key_path)
    return (", ".join(parts),) if parts else ()


def token_commands(
    privileges: Sequence[str], *, user: str = "homelab@pve", role: str = "Homelab", name: str = "terraform"
) -> tuple[str, ...]:
    """How to make an API token with ``privileges``: commands for a root shell on a node, then for this one."""
    return (
        "as root on a node:",
        f"  pveum role add {role} --privs {','.join(privileges) or '...'}",
        f"  pveum user add {user}",
        f"  pveum acl modify / --users {user} --roles {role}",
        f"  pveum user token add {user} {name} --privsep 0",
        "then here, with the value that the last one prints:",
        f"  export PROXMOX_VE_API_TOKEN='{user}!{name}=VALUE'",
        "or declare `access:` in the environment file and apply its access stack once as root@pam",
    )
