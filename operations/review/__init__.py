"""Reviews Terraform's plans in Proxmox's terms: what is lost, what only looks harmless, what is blocked.

A pure library: it reads documents of ``terraform show -json`` and touches neither files nor the network. For one plan::

    document = read_plan(text, "prod-web")
    result = review([document], read_allow_list(allow_list_text, "allowed-changes.yaml", today))
    print(as_text(result))
"""

from operations.review.allow_list import Allowance, AllowList, Rejected, read_allow_list
from operations.review.documents import read_plan
from operations.review.findings import Finding, Severity
from operations.review.judgement import Review, ReviewedChange, Verdict, review
from operations.review.plan import Action, PlanDocument, ReviewError
from operations.review.rendering.machine import as_document, as_json
from operations.review.rendering.markdown import as_markdown
from operations.review.rendering.text import as_text

__all__ = [
    "Action",
    "AllowList",
    "Allowance",
    "Finding",
    "PlanDocument",
    "Rejected",
    "Review",
    "ReviewError",
    "ReviewedChange",
    "Severity",
    "Verdict",
    "as_document",
    "as_json",
    "as_markdown",
    "as_text",
    "read_allow_list",
    "read_plan",
    "review",
]
