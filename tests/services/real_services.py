"""Services of an environment whose containers are real guests: installed and configured by their own scripts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from ipaddress import IPv4Interface
from typing import Any

from homelab.config.environment import Environment
from homelab.config.image_lock import ImageLock
from homelab.config.service_containers import enabled_services
from homelab.provisioning.script import Script, StoredSecret
from homelab.services import scripts
from homelab.services.service import pinned
from operations.provisioning.secret_store import new_value
from tests.config.cases import environment
from tests.real_guests.guests import RealGuest

_LEAKS = """
find /etc /srv /var /opt /tmp /home /root -xdev -type f -perm -004 -size -2M -print0 2> /dev/null \
  | xargs -0 grep -lFf /run/value 2> /dev/null
journalctl --no-pager 2> /dev/null | grep -cFf /run/value | grep -vx 0
for process in /proc/[0-9]*; do
  if tr '\\0' ' ' < "$process/cmdline" 2> /dev/null | grep -qFf /run/value; then cat "$process/comm"; fi
done
rm /run/value
"""


class RealServices:
    """An environment with these services, at the addresses of real guests.

    Args:
        content: settings by service; the address is that of the guest that stands for its first instance.
        guests: the guest of each service's first instance; replicas have the addresses that follow.
        lock: what is locked, besides nothing.
    """

    def __init__(
        self, content: Mapping[str, Mapping[str, Any]], guests: Mapping[str, RealGuest], lock: ImageLock | None = None
    ) -> None:
        first = IPv4Interface(str(next(iter(guests.values())).interface.address))
        gateway = next(iter(guests.values())).interface.gateway
        placed = {name: {**settings, "address": guests[name].address} for name, settings in content.items()}
        self.lock = lock or ImageLock.empty()
        self.environment: Environment = environment(
            "proxmox: {nodes: {pve: {bridges: [vmbr2], datastores: {local-hdd: {content: [rootdir]}}}}}\n"
            f"networks: {{internal: {{bridge: vmbr2, cidr: {first.network}, gateway: {gateway}}}}}\n"
            f"services: {json.dumps(placed)}"
        )
        self.secrets: dict[str, str] = {}

    def install(self, name: str, guest: RealGuest) -> None:
        """Runs what runs in a template, twice: the second time there is nothing left to do."""
        enabled = enabled_services(self.environment)[name]
        script = scripts.install_script(enabled, pinned(enabled.service, self.lock))
        assert self._run(script, guest), f"{name}: the installation has found nothing to do"
        assert not self._run(script, guest), f"{name}: the installation has not come to rest"

    def configure(self, name: str, guest: RealGuest, index: int = 0) -> None:
        """Runs what runs in a clone, twice: the second time there is nothing left to do."""
        script = self.script(name, index)
        assert self._run(script, guest), f"{name}: the configuration has found nothing to do"
        assert not self._run(script, guest), f"{name}: the configuration has not come to rest"

    def is_at_rest(self, name: str, guest: RealGuest, index: int = 0) -> bool:
        """Runs the configuration once more: whether it has found nothing to do, and its probe an answer."""
        return not self._run(self.script(name, index), guest)

    def script(self, name: str, index: int = 0) -> Script:
        """What runs in an instance."""
        instance = enabled_services(self.environment)[name].instances[index]
        return scripts.configure_script(self.environment, name, instance)

    def values(self, script: Script) -> dict[str, str]:
        """The secrets that a script gets, by variable."""
        wanted = [secret for secret in script.secrets if isinstance(secret, StoredSecret)]
        return {one.variable: self.secrets.setdefault(one.name, new_value(one)) for one in wanted}

    def leaks(self, guest: RealGuest) -> str:
        """Where any secret of the environment is to be read in a guest by who is not root."""
        values = "\n".join(self.secrets.values())
        guest.run("umask 077; cat > /run/value", stdin=f"{values}\n")
        return guest.run(_LEAKS).stdout

    def _run(self, script: Script, guest: RealGuest) -> bool:
        done = guest.run_script(script.text, self.values(script))
        assert done.returncode == 0, f"{script.name}: {done.stdout[-4000:]}"
        for value in self.secrets.values():
            assert value not in done.stdout
        said = [line for line in done.stdout.splitlines() if line.startswith("homelab-changed: ")]
        assert said, f"{script.name} does not say whether it has changed anything"
        return "homelab-changed: yes" in said


def random_word() -> str:
    """Something that nobody else has written."""
    return secrets.token_hex(8)
