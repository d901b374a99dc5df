"""The causes that are known, in the order in which they are looked for: the particular before the general."""

from __future__ import annotations

from operations.diagnosis import access, guests, scripts, terraform
from operations.diagnosis.diagnosis import Rule

RULES: tuple[Rule, ...] = (
    *scripts.RULES,
    *terraform.RULES,
    *access.RULES,
    *guests.RULES,
)
