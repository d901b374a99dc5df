"""Causes in scripts that run inside guests: what `operations.provisioning` says of them, out of Terraform's message."""

from __future__ import annotations

import re

from operations.diagnosis.diagnosis import Diagnosis, Rule, Subject

_FIX = re.compile(r"^ {4}(?:fix:)? +(?P<step>\S.*)$")
_LAST_LINES = "its last lines:"


def failed(match: re.Match[str], subject: Subject) -> Diagnosis:
    """A script failed, or could not be run."""
    before, _, fixes = match["rest"].partition("\n    fix:")
    lines = before.partition(_LAST_LINES)[2].splitlines()
    steps = [found["step"] for line in f"    fix:{fixes}".splitlines() if (found := _FIX.match(line))]
    return Diagnosis(
        "script_failed",
        f"script {match['script']} in {match['target']} failed: {match['reason']}",
        found="\n".join(line.removeprefix("  ") for line in lines if line.strip()),
        fix=tuple(steps),
        places=(f"stack {subject.stack}",) if subject.stack else (),
    )


RULES: tuple[Rule, ...] = (
    (
        re.compile(
            r"local-exec provisioner error\s.*\nscript (?P<script>[a-z0-9-]+) in (?P<target>[^\n]+?) failed: "
            r"(?P<reason>[^\n]+)(?P<rest>.*)",
            re.DOTALL,
        ),
        failed,
    ),
)
