"""The shell at the other end gets a script as it is, however long it is."""

from __future__ import annotations

import os

import pytest

from operations.provisioning.session import Session

READ_AT_ONCE = 8192
"""What dash reads of its input at a time."""


@pytest.mark.parametrize("missing", range(0, 700, 20))
def test_where_a_script_ends_in_what_the_shell_reads_at_a_time_changes_nothing(missing: int) -> None:
    text = "echo done\nexit 3\n# "
    text += "x" * (READ_AT_ONCE - len(text) - missing)
    with Session(["/bin/sh", "-s"], os.environ) as session:
        assert session.is_ready(20)
        session.start(text)
        assert list(session.output(20)) == ["done"]
        assert session.exit_code == 3
