"""Texts of people as Terraform takes them: as they are written, and never as an expression."""

from __future__ import annotations

from typing import TypeVar

Text = TypeVar("Text", str, str | None)


def literal(text: Text) -> Text:
    """``text`` so that Terraform reads no template in it: ``${HOME}`` is no reference, ``${file("x")}`` reads nothing.

    For descriptions, comments, keys and files. They are somebody's own words; with `homelab adopt` also the words of
    whoever may write a description on the node.

    Source: Terraform's string templates, where ``$${`` stands for ``${`` and ``%%{`` for ``%{``.
    """
    return text.replace("${", "$${").replace("%{", "%%{") if text else text
