"""The role, user and token for this app."""

import pytest

from tests.config.cases import expected, said

CASES = {
    "in order": (
        (
            """
            access: {}
            """,
        ),
        "",
    ),
    "root": (
        (
            """
            access: {user: root@pam}
            """,
        ),
        """
        error: access.user
            root may do everything, so a token of root's is no least privilege
            found:    root@pam
            allowed:  a user that only this app has
            fix:      write homelab@pve
        """,
    ),
    "one user in two environments": (
        (
            """
            access: {}
            """,
            """
            access: {role: Other}
            """,
        ),
        """
        two: error: access.user
            environment one makes the user homelab@pve already
            found:    homelab@pve
            allowed:  a user that no other environment of the cluster makes
            fix:      write user: homelab-two@pve
        """,
    ),
    "one role in two environments": (
        (
            """
            access: {}
            """,
            """
            access: {user: other@pve}
            """,
        ),
        """
        two: error: access.role
            environment one makes the role Homelab already
            found:    Homelab
            allowed:  a role that no other environment of the cluster makes
            fix:      write role: Homelab-two
        """,
    ),
    "each its own": (
        (
            """
            access: {}
            """,
            """
            access: {user: other@pve, role: Other}
            """,
        ),
        "",
    ),
    "two clusters": (
        (
            """
            access: {}
            """,
            """
            proxmox: {endpoint: 'https://other.home.arpa:8006'}
            access: {}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)
