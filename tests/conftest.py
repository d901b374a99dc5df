"""Settings of all tests."""

import signal

from hypothesis import settings

# A machine that does other things as well is slow at times, and a property does not become false by that.
settings.register_profile("homelab", deadline=None)
settings.load_profile("homelab")

# A shell without job control starts what runs in the background with SIGINT ignored, and every program started from
# there inherits that: tests that send it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
