"""The ``homelab`` command. Environment variables are read here and in ``main.py`` alone."""

from operations.command_line.application import main

__all__ = ["main"]
