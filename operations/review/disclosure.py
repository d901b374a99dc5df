"""What of a plan may be shown. A plan holds secrets in clear: this is the only way from its values to a text.

A text is shown only where its argument is known to hold none (a name, a bridge, a size); numbers and switches where
neither Terraform nor the argument's name says that they are secret. Whatever is secret in one place is hidden in every
other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from operations.redaction import SHORTEST, is_secret_name, redact
from operations.review.plan import Change, Untouched
from operations.review.values import child, items, mapping

SENSITIVE = "(sensitive)"
LONGEST = 120
"""Characters of a name or value that are shown."""

_SHOWN_NAMES = """
    action address aio architecture bios bridge cache cidr compress content_type datastore_id dest device discard
    domain dport file_format file_name forward_policy gateway group guest hostname hotplug iface input_policy
    interface keep-all keep-daily keep-hourly keep-last keep-monthly keep-weekly keep-yearly log log_level_in
    log_level_out mac_address machine macro mode model name node node_name nodes output_policy path
    path_in_datastore pool pool_id proto resource_id role_id schedule scsi_hardware security_group servers size
    source sport state storage storage_id tags target template_file_id type user_id vmid volume zone
"""
_SHOWN = frozenset(_SHOWN_NAMES.split())
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]+"
)
"""What steers a terminal, turns the direction of writing, or is not seen at all."""


class Disclosure:
    """Turns values of plans into texts that may be shown.

    Args:
        secrets: what must not be shown, wherever it turns up.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True))
        self._beginnings = {secret[:SHORTEST] for secret in self._secrets}
        self._known: dict[str, str] = {}

    def text(self, words: str, longest: int = LONGEST) -> str:
        """``words`` on one line, without secrets and without characters that steer a terminal."""
        shown = self._known.get(words)
        if shown is None:
            secrets = self._secrets if self._may_hold_one(words) else ()
            shown = self._known[words] = _CONTROL.sub(" ", redact(words, secrets))
        return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"

    def _may_hold_one(self, words: str) -> bool:
        """Whether any secret begins somewhere in ``words``; looking for thousands of them in each text takes long."""
        return any(words[place : place + SHORTEST] in self._beginnings for place in range(len(words) - SHORTEST + 1))

    def value(self, name: str, value: Any) -> str | None:
        """``value`` of the argument ``name``; None when it may not be shown."""
        if is_secret_name(name):
            return None
        match value:
            case bool():
                return str(value).lower()
            case int():
                return self.text(str(value))
            case float():
                return f"{value:.12g}"
            case None:
                return "none"
            case str() if name in _SHOWN:
                return self.text(value) or "none"
            case list() if name in _SHOWN and all(isinstance(item, str | int) for item in value):
                return self.text(", ".join(str(item) for item in value)) or "none"
            case _:
                return None


def conceal(value: Any, mask: Any) -> Any:
    """``value`` in its shape, with what ``mask`` covers left out: texts say so, numbers and switches are None."""
    if not mask:
        return value
    if isinstance(value, dict):
        hidden = dict.fromkeys(value, True) if mask is True else mapping(mask)
        return {**value, **{key: conceal(value[key], part) for key, part in hidden.items() if part and key in value}}
    if isinstance(value, list):
        return [conceal(inner, child(mask, index)) for index, inner in enumerate(value)]
    if mask is True:
        return SENSITIVE if isinstance(value, str) else None
    return value


def secrets_of(
    document: Mapping[str, Any], changes: Iterable[Change], untouched: Iterable[Untouched]
) -> frozenset[str]:
    """Every text in a plan that is secret in some place of it: marked by Terraform, or by the name it has there."""
    found: set[str] = set()
    for change in changes:
        for values, mask in ((change.before, change.before_sensitive), (change.after, change.after_sensitive)):
            found.update(_marked(values, mask))
            found.update(_named(values))
    for entry in untouched:
        found.update(_marked(entry.values, entry.sensitive))
        found.update(_named(entry.values))
    prior = mapping(mapping(document.get("prior_state")).get("values"))
    for output in map(mapping, mapping(prior.get("outputs")).values()):
        found.update(_marked(output.get("value"), output.get("sensitive")))
    for output in mapping(document.get("output_changes")).values():
        for key in ("before", "after"):
            found.update(_marked(mapping(output).get(key), mapping(output).get(f"{key}_sensitive")))
    configuration = mapping(document.get("configuration"))
    declared = mapping(mapping(configuration.get("root_module")).get("variables"))
    for name, variable in mapping(document.get("variables")).items():
        if mapping(declared.get(name)).get("sensitive") is True or is_secret_name(name):
            found.update(_texts(mapping(variable).get("value")))
    for provider in mapping(configuration.get("provider_config")).values():
        found.update(_constants(mapping(mapping(provider).get("expressions"))))
    # A secret of several lines is shown line by line.
    lines = {line.strip() for secret in found if "\n" in secret for line in secret.splitlines()}
    return frozenset(secret for secret in found | lines if len(secret) >= SHORTEST)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            return


def _marked(value: Any, mask: Any) -> Iterator[str]:
    if mask is True:
        yield from _texts(value)
    elif mask and isinstance(value, dict):
        for key, part in mapping(mask).items():
            if part and key in value:
                yield from _marked(value[key], part)
    elif mask and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _marked(inner, child(mask, index))


def _named(value: Any) -> Iterator[str]:
    """The texts below keys whose name says that they are secret."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner is None or isinstance(inner, bool | int | float):
                continue
            if is_secret_name(key):
                yield from _texts(inner)
            elif not isinstance(inner, str):
                yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            if not isinstance(inner, str):
                yield from _named(inner)


def _constants(expressions: Mapping[str, Any]) -> Iterator[str]:
    """The credentials that a provider's configuration has as plain texts."""
    for name, expression in expressions.items():
        if is_secret_name(name):
            constant = mapping(expression).get("constant_value")
            if isinstance(constant, str) and "${" not in constant:
                yield constant
        else:
            for nested in items(expression):
                yield from _constants(mapping(nested))
