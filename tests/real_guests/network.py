"""A bridge of this machine's own for real guests, with a way out through it."""

from __future__ import annotations

import ipaddress
import subprocess
from dataclasses import dataclass
from pathlib import Path

PREFIX = "hlg"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def command(*words: str) -> str:
    """Runs a program and returns what it prints; its message is that of the error where it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Bridge:
    """A bridge whose name and network nobody else on this machine has: the kernel takes each name once."""

    number: int

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.number}"

    @property
    def network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.213.{self.number}.0/24")

    @property
    def gateway(self) -> ipaddress.IPv4Address:
        return self.network[1]

    @classmethod
    def add(cls) -> Bridge:
        """Takes the first name that is free; nothing is behind it yet."""
        for number in range(256):
            done = subprocess.run(
                ["ip", "link", "add", f"{PREFIX}{number}", "type", "bridge"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return cls(number)
            if "File exists" not in done.stderr:
                raise RuntimeError(f"no bridge can be made here: {done.stderr.strip()}")
        raise RuntimeError(f"all bridges {PREFIX}0 to {PREFIX}255 are taken")

    def open(self) -> None:
        """Gives it an address, and its guests a way to where this machine gets."""
        command("ip", "address", "add", f"{self.gateway}/{self.network.prefixlen}", "dev", self.name)
        command("ip", "link", "set", self.name, "up")
        _FORWARDING.write_text("1")
        for rule in self._rules():
            command("iptables", "--wait", *rule[0], "--insert", *rule[1])

    def close(self) -> None:
        """Removes what `add` and `open` made, as far as it is there."""
        for table, rule in self._rules():
            subprocess.run(["iptables", "--wait", *table, "--delete", *rule], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", self.name], capture_output=True, check=False)

    def _rules(self) -> list[tuple[list[str], list[str]]]:
        network = str(self.network)
        out = ["POSTROUTING", "--source", network, "!", "--destination", network, "--jump", "MASQUERADE"]
        return [
            (["--table", "nat"], out),
            ([], ["FORWARD", "--in-interface", self.name, "--jump", "ACCEPT"]),
            ([], ["FORWARD", "--out-interface", self.name, "--jump", "ACCEPT"]),
        ]
