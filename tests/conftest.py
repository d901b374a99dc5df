"""Settings of all tests."""

import signal

import pytest
from hypothesis import settings

# A machine that does other things as well is slow at times, and a property does not become false by that.
settings.register_profile("homelab", deadline=None)
settings.load_profile("homelab")

# A shell without job control starts what runs in the background with SIGINT ignored, and every program started from
# there inherits that: tests that send it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LONG = ("system", "end_to_end", "slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first: what is left for the end then fits where a worker is free."""
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in _LONG)}
    items.sort(key=lambda item: item.path not in long)
