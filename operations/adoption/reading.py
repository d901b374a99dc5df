"""What is on a node or cluster, as the API tells it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from operations.adoption.properties import flag, properties
from operations.proxmox_api import ProxmoxApi, ProxmoxError

Config = dict[str, Any]
UNREADABLE = (401, 403)
"""What Proxmox answers when the credentials may not read something."""


@dataclass(frozen=True)
class FoundNode:
    """A node: its capacity, its network and its datastores, as ``/nodes/{node}/...`` list them."""

    name: str
    cores: int
    memory_mib: int
    interfaces: tuple[Config, ...]
    datastores: tuple[Config, ...]


@dataclass(frozen=True)
class FoundGuest:
    """A virtual machine (``qemu``) or container (``lxc``).

    Attributes:
        observed: addresses with prefix length that it reports while it runs, by MAC address.
        silent_agent: it runs, its agent is switched on, and the agent does not answer.
    """

    vm_id: int
    kind: str
    node: str
    name: str
    running: bool
    pool: str
    config: Config
    firewall_options: Config = field(default_factory=dict)
    firewall_rules: tuple[Config, ...] = ()
    observed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    silent_agent: bool = False

    @property
    def is_template(self) -> bool:
        """Whether it is a template."""
        return flag(self.config.get("template", 0))

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{'VM' if self.kind == 'qemu' else 'container'} {self.vm_id} ({self.name}) on {self.node}"


@dataclass(frozen=True)
class FoundFirewall:
    """The cluster's firewall."""

    options: Config
    aliases: tuple[Config, ...]
    ipsets: tuple[tuple[Config, tuple[Config, ...]], ...]
    groups: tuple[tuple[Config, tuple[Config, ...]], ...]
    rules: tuple[Config, ...]

    @property
    def is_used(self) -> bool:
        """Whether anybody ever set anything in it."""
        return bool(self.aliases or self.ipsets or self.groups or self.rules or flag(self.options.get("enable", 0)))


@dataclass(frozen=True)
class FoundCluster:
    """Everything that was read, and what was not: a text for each, with its reason."""

    nodes: tuple[FoundNode, ...]
    guests: tuple[FoundGuest, ...]
    pools: tuple[Config, ...]
    firewall: FoundFirewall | None
    unread: tuple[str, ...]
    under_ha: frozenset[int] = frozenset()
    """VMIDs of guests that high availability restarts and moves."""
    beside: tuple[str, ...] = ()
    """What else there is and stays as it is: a text for each kind."""


class ReadError(Exception):
    """The cluster can't be read; the message says what to do."""


def read_cluster(api: ProxmoxApi, nodes: Collection[str] = ()) -> FoundCluster:
    """Reads the nodes, all of them when none is named, with their guests; pools and firewall of the whole cluster.

    Raises:
        ProxmoxError: the API did not answer, or the credentials may not read.
        ReadError: a node is named that is not there or not online.
    """
    known = {str(entry["node"]): str(entry.get("status", "online")) for entry in api.get("/nodes")}
    for name in nodes:
        if known.get(name) != "online":
            state = f"node {name} is {known[name]}" if name in known else f"there is no node {name}"
            online = ", ".join(sorted(node for node, status in known.items() if status == "online"))
            raise ReadError(f"{state}\n    allowed:  {online}\n    fix:      name one of them, or leave --node out")
    unread = [
        f"node {name} is {status}: its guests can't be read" for name, status in known.items() if status != "online"
    ]
    wanted = [name for name in sorted(known) if known[name] == "online" and (not nodes or name in nodes)]
    guests: list[FoundGuest] = []
    for entry in sorted(api.guests().values(), key=lambda guest: int(guest["vmid"])):
        if entry["node"] not in wanted:
            continue
        try:
            guests.append(_guest(api, entry))
        except ProxmoxError as error:
            unread.append(f"{entry.get('type')} {entry['vmid']} ({entry.get('name', '')}): {error}")
    pools = tuple(sorted(api.get("/pools"), key=lambda pool: str(pool["poolid"])))
    firewall, beside = _firewall(api, unread), _beside(api, unread)
    return FoundCluster(
        tuple(_node(api, name) for name in wanted),
        tuple(guests),
        pools,
        firewall,
        tuple(unread),
        under_ha=frozenset(
            int(number) for name in beside.get(_UNDER_HA, ()) if (number := name.rpartition(":")[2]).isdigit()
        ),
        beside=tuple(f"{noun} stay as they are, without this file: {', '.join(beside[noun])}" for noun in beside),
    )


_UNDER_HA = "guests under high availability"
_BESIDE = (
    ("/cluster/ha/resources", "sid", _UNDER_HA),
    ("/cluster/ha/rules", "rule", "rules of high availability"),
    ("/cluster/replication", "id", "replication jobs"),
    ("/cluster/backup", "id", "backup jobs"),
    ("/cluster/sdn/zones", "zone", "SDN zones"),
)
"""What belongs to a cluster and is no part of the environment file that is written: path, name of an entry, noun."""


def _beside(api: ProxmoxApi, unread: list[str]) -> dict[str, list[str]]:
    """The names of what there is, by the noun; nothing for a noun without any."""
    found = {}
    for path, key, noun in _BESIDE:
        try:
            names = sorted(str(entry.get(key)) for entry in api.get(path) or ())
        except ProxmoxError as error:
            # Older versions have no rules, and a single node may have no SDN.
            if error.status in UNREADABLE:
                unread.append(f"{noun}: {error}")
            continue
        if names:
            found[noun] = names
    return found


def _node(api: ProxmoxApi, name: str) -> FoundNode:
    status = api.get(f"/nodes/{name}/status")
    return FoundNode(
        name,
        int(status["cpuinfo"]["cpus"]),
        int(status["memory"]["total"]) // 1024 // 1024,
        tuple(api.get(f"/nodes/{name}/network")),
        tuple(sorted(api.get(f"/nodes/{name}/storage"), key=lambda storage: str(storage["storage"]))),
    )


def _guest(api: ProxmoxApi, entry: Config) -> FoundGuest:
    kind, node, vm_id = str(entry["type"]), str(entry["node"]), int(entry["vmid"])
    base = f"/nodes/{node}/{kind}/{vm_id}"
    config: Config = api.get(f"{base}/config")
    running = entry.get("status") == "running"
    observed: dict[str, tuple[str, ...]] = {}
    silent = False
    if running and kind == "lxc":
        observed = _observed(_or_nothing(api, f"{base}/interfaces"))
    elif running and flag(properties(config.get("agent", "0"), "enabled").get("enabled", "0")):
        answer = _or_nothing(api, f"{base}/agent/network-get-interfaces")
        silent = answer is None
        observed = _observed((answer or {}).get("result"))
    return FoundGuest(
        vm_id,
        kind,
        node,
        str(entry.get("name") or config.get("name") or config.get("hostname") or vm_id),
        running,
        str(entry.get("pool") or ""),
        config,
        dict(_or_nothing(api, f"{base}/firewall/options") or {}),
        _by_position(_or_nothing(api, f"{base}/firewall/rules")),
        observed,
        silent,
    )


def _or_nothing(api: ProxmoxApi, path: str) -> Any:
    """The answer, or None where there is none: the agent is not running, the guest is just stopping."""
    try:
        return api.get(path)
    except ProxmoxError:
        return None


def _observed(interfaces: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for interface in interfaces or ():
        mac = str(interface.get("hwaddr") or interface.get("hardware-address") or "").upper()
        listed = [
            f"{entry['ip-address']}/{entry['prefix']}"
            for entry in interface.get("ip-addresses") or ()
            if entry.get("ip-address-type") in ("ipv4", "inet")
        ]
        if interface.get("inet"):
            listed.append(str(interface["inet"]))
        if mac and mac != "00:00:00:00:00:00":
            found[mac] = tuple(dict.fromkeys(listed))
    return found


def _by_position(rules: Any) -> tuple[Config, ...]:
    return tuple(sorted(rules or (), key=lambda rule: int(rule.get("pos", 0))))


def _firewall(api: ProxmoxApi, unread: list[str]) -> FoundFirewall | None:
    base = "/cluster/firewall"
    try:
        return FoundFirewall(
            dict(api.get(f"{base}/options") or {}),
            tuple(api.get(f"{base}/aliases")),
            tuple((entry, tuple(api.get(f"{base}/ipset/{entry['name']}"))) for entry in api.get(f"{base}/ipset")),
            tuple(
                (entry, _by_position(api.get(f"{base}/groups/{entry['group']}"))) for entry in api.get(f"{base}/groups")
            ),
            _by_position(api.get(f"{base}/rules")),
        )
    except ProxmoxError as error:
        if error.status not in UNREADABLE:
            raise
        unread.append(f"the cluster's firewall: {error}; Sys.Audit on / is needed to read it")
        return None
