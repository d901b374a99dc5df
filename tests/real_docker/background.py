"""Work that goes on in a thread while a test does something else."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def again_and_again(work: Callable[[], None], *, pause: float) -> Iterator[None]:
    """Does ``work`` with a ``pause`` in seconds before each time, until the context is left."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(pause):
            work()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
