"""The program that a stack's scripts are run by; see docs/provisioning.md.

It reads these variables: ``HOMELAB_PROVISIONING`` (the order), ``HOMELAB_SECRET_*`` (secrets that Terraform knows),
``PROXMOX_VE_SSH_PRIVATE_KEY`` (the text of a key for the nodes; otherwise the user's keys and agent),
``HOMELAB_SSH_KNOWN_HOSTS`` (a file with the nodes' host keys; otherwise ``~/.ssh/known_hosts``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Runs the order in the environment; returns the script's exit code."""
    from operations.provisioning.failure import ProvisioningError
    from operations.provisioning.order import Order
    from operations.provisioning.runner import Runner
    from operations.provisioning.ssh import Client

    text = os.environ.get("HOMELAB_PROVISIONING")
    if text is None:
        print("This program is called by Terraform. What it does and how to repeat it: docs/provisioning.md")
        return 2
    known_hosts = os.environ.get("HOMELAB_SSH_KNOWN_HOSTS") or Path.home() / ".ssh" / "known_hosts"
    client = Client(Path(known_hosts).absolute(), os.environ.get("PROXMOX_VE_SSH_PRIVATE_KEY", ""))
    try:
        order = Order.read(text)
    except ProvisioningError as error:
        print(error, *error.fix, sep="\n    ", file=sys.stderr)
        return 1
    return Runner(order, client, os.environ).run()


if __name__ == "__main__":
    sys.exit(main())
