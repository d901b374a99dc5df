"""The causes that are known, in the order in which they are looked for: the particular before the general."""

from __future__ import annotations

from operations import diagnosis_access, diagnosis_guests, diagnosis_scripts, diagnosis_terraform
from operations.diagnosis import Rule

RULES: tuple[Rule, ...] = (
    *diagnosis_scripts.RULES,
    *diagnosis_terraform.RULES,
    *diagnosis_access.RULES,
    *diagnosis_guests.RULES,
)
