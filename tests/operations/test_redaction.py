"""What counts as a secret, and that it is gone from texts."""

from __future__ import annotations

import pytest

from operations.redaction import redact, secrets_in

TOKEN = "homelab@pve!terraform=0a1b2c3d-1234-4321-8888-aabbccddeeff"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROXMOX_VE_PASSWORD", "correct horse"),
        ("PROXMOX_VE_SSH_PASSWORD", "battery staple"),
        ("PROXMOX_VE_SSH_PRIVATE_KEY", "-----BEGIN\nb3BlbnNzaC1rZXk\n-----END"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG"),
        ("TF_VAR_anything", "a variable's value"),
    ],
)
def test_values_of_secret_variables_are_hidden(name: str, value: str) -> None:
    for piece in value.splitlines():
        text = redact(f"it said {piece} twice: {piece}", secrets_in({name: value}))
        assert piece not in text
        assert text.count("***") == 2


def test_the_value_of_a_token_is_hidden_also_where_it_stands_alone() -> None:
    secrets = secrets_in({"PROXMOX_VE_API_TOKEN": TOKEN})
    assert redact(f"{TOKEN} {TOKEN.partition('=')[2]}", secrets) == "*** ***"


def test_a_token_that_is_in_no_variable_is_recognized_by_its_form() -> None:
    assert redact(f"Authorization: PVEAPIToken={TOKEN}", ()) == "Authorization: PVEAPIToken=homelab@pve!terraform=***"


@pytest.mark.parametrize("name", ["HOME", "PROXMOX_VE_ENDPOINT", "SSH_AUTH_SOCK", "AWS_ACCESS_KEY_ID"])
def test_other_variables_are_no_secrets(name: str) -> None:
    assert secrets_in({name: "something long enough"}) == ()


def test_short_values_do_not_make_texts_unreadable() -> None:
    assert secrets_in({"SOME_TOKEN": "1", "OTHER_SECRET": ""}) == ()
