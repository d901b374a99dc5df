"""The command, as its own tests run it."""

from tests.operations.command_line.conftest import homelab, project

__all__ = ["homelab", "project"]
