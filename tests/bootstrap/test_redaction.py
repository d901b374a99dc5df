"""Secrets do not leave in any text."""

from __future__ import annotations

import logging

import pytest

from bootstrap.redaction import RedactingFormatter, Redactor

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJl"


@pytest.fixture
def redact() -> Redactor:
    redactor = Redactor()
    redactor.add('pass"word/1 \\')
    return redactor


@pytest.mark.parametrize(
    "text",
    ['said: pass"word/1 \\.', "url: pass%22word%2F1%20%5C.", 'json: {"p": "pass\\"word/1 \\\\"}'],
    ids=["as it is", "in a URL", "in JSON"],
)
def test_a_known_secret_goes_in_every_spelling(redact: Redactor, text: str) -> None:
    assert "word" not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize("text", [TOKEN, f"Authorization: Bearer {TOKEN}", "bearer opaque-token", "f" * 64])
def test_what_looks_like_a_token_goes_unasked(text: str) -> None:
    assert Redactor()(f"<{text}>").count("[redacted]") == 1
    assert text.rsplit(maxsplit=1)[-1] not in Redactor()(f"<{text}>")


def test_ordinary_words_stay() -> None:
    redact = Redactor()
    redact.add("")
    redact.add("a")
    text = "GET /api/v1/identities: Route not found (HTTP 404, NotFound, req-1a2b)"
    assert redact(text) == text


def test_a_secret_inside_another_leaves_nothing_of_the_longer() -> None:
    redact = Redactor()
    redact.add("secret")
    redact.add("secret-and-more")
    assert redact("secret-and-more") == "[redacted]"


def test_a_logged_traceback_is_redacted() -> None:
    formatter = RedactingFormatter(Redactor(), "%(message)s")
    error = RuntimeError(f"failed with {TOKEN}")
    record = logging.LogRecord("a", logging.ERROR, "f", 1, "sent %s", (TOKEN,), (RuntimeError, error, None))
    line = formatter.format(record)
    assert "RuntimeError: failed with [redacted]" in line
    assert "eyJ" not in line
