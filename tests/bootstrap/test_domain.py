"""Addresses of servers as users write them."""

from __future__ import annotations

import pytest

from bootstrap.domain import crosses_network_in_clear, normalized_domain
from bootstrap.errors import UsageError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://192.168.3.20:8080", "http://192.168.3.20:8080"),
        ("  https://Infisical.Home.Arpa/ ", "https://infisical.home.arpa"),
        ("https://infisical.home.arpa/api", "https://infisical.home.arpa"),
        ("https://infisical.home.arpa/api/", "https://infisical.home.arpa"),
        ("https://infisical.home.arpa:443", "https://infisical.home.arpa"),
        ("http://infisical.home.arpa:443", "http://infisical.home.arpa:443"),
        ("http://[fd00::20]:8080", "http://[fd00::20]:8080"),
    ],
)
def test_the_same_server_has_one_spelling(written: str, meant: str) -> None:
    assert normalized_domain(written) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "no Infisical server is named"),
        ("192.168.3.20:8080", "has no http:// or https:// and host"),
        ("infisical.home.arpa", "has no http:// or https:// and host"),
        ("ftp://infisical.home.arpa", "has no http:// or https:// and host"),
        ("https://", "has no http:// or https:// and host"),
        ("https://infisical.home.arpa/secrets", "has a path, query or fragment"),
        ("https://infisical.home.arpa/?a=b", "has a path, query or fragment"),
        ("https://infisical.home.arpa:eighty", "is not a URL"),
        ("http://192.168.3 .20:8080", "has a space in it"),
        ("http://infisical\u00a0.home.arpa", "has no host that can exist"),
    ],
)
def test_what_is_no_server_is_refused_with_an_example(written: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        normalized_domain(written)
    assert "http://192.168.3.20:8080" in refused.value.next_step


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        normalized_domain("https://admin:hunter22@infisical.home.arpa")
    assert "hunter22" not in f"{refused.value.message} {refused.value.next_step}"


@pytest.mark.parametrize(
    ("domain", "in_clear"),
    [
        ("https://infisical.home.arpa", False),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://localhost:8080", False),
        ("http://192.168.3.20:8080", True),
        ("http://infisical.home.arpa", True),
    ],
)
def test_only_http_to_another_machine_can_be_read_on_the_way(domain: str, in_clear: bool) -> None:
    assert crosses_network_in_clear(domain) is in_clear
