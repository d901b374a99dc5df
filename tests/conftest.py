"""Settings of all tests."""

from hypothesis import settings

# A machine that does other things as well is slow at times, and a property does not become false by that.
settings.register_profile("homelab", deadline=None)
settings.load_profile("homelab")
