"""A review as JSON, for machines."""

from __future__ import annotations

import json
from typing import Any

from operations.review.findings import Finding
from operations.review.judgement import Review, ReviewedChange

SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes; more fields may come without it."""


def as_json(review: Review) -> str:
    """The review as one JSON object."""
    return json.dumps(as_document(review), indent=2, ensure_ascii=False)


def as_document(review: Review) -> dict[str, Any]:
    """The review as what JSON can hold."""
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": str(review.verdict),
        "exit_code": review.verdict.exit_code,
        "stacks": list(review.stacks),
        "counts": dict(sorted(review.counts.items())),
        "findings": [_finding(finding) for finding in review.findings],
        "changes": [_change(change) for change in review.changes],
        "drift": [_change(change) for change in review.drift],
        "outputs": [
            {"stack": output.stack, "name": output.name, "action": str(output.action)} for output in review.outputs
        ],
        "capacity": {
            "nodes": [
                {
                    "node": row.node,
                    "guests": list(row.guests),
                    "cores": list(row.cores),
                    "memory_mib": list(row.memory),
                    "at_least": row.at_least,
                }
                for row in review.capacity.nodes
            ],
            "datastores": [
                {"node": row.node, "datastore": row.datastore, "disk_gib": list(row.disk), "at_least": row.at_least}
                for row in review.capacity.datastores
            ],
        },
        "allow_list_rejected": [{"address": entry.address, "why": entry.why} for entry in review.rejected],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    allowance = finding.allowance
    return {
        "kind": finding.kind,
        "severity": str(finding.severity),
        "blocks": finding.blocks,
        "stack": finding.stack,
        "address": finding.address,
        "guest": finding.guest,
        "vm_id": finding.vm_id,
        "node": finding.node,
        "what": finding.what,
        "cause": finding.cause,
        "consequence": finding.consequence,
        "allowed": {"reason": allowance.reason, "expires": str(allowance.expires)} if allowance else None,
    }


def _change(change: ReviewedChange) -> dict[str, Any]:
    return {
        "stack": change.stack,
        "address": change.address,
        "label": change.label,
        "action": str(change.action),
        "details": list(change.details),
        "imported": change.imported,
        "moved_from": change.moved_from,
    }
