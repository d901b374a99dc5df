"""The networks that the tests give their servers: one after the other, also where something of the last is left."""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.real_docker.network_namespace import network_namespace


def test_a_network_is_had_again_while_a_process_is_left_in_the_last_one() -> None:
    with network_namespace() as first:
        left = subprocess.Popen(first.command("sh", "-c", "echo inside; exec sleep 60"), stdout=subprocess.PIPE)
        assert left.stdout is not None
        assert left.stdout.readline() == b"inside\n"
    with left:
        try:
            # Nobody listens on it, but somebody answers that.
            with network_namespace() as second, pytest.raises(ConnectionRefusedError):
                socket.create_connection((str(second.address), 9), timeout=5).close()
        finally:
            left.kill()
