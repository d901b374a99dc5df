"""``firewall/aliases`` and ``firewall/ipset`` of the cluster and of guests."""

from __future__ import annotations

import ipaddress
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.sections import check_digest, view
from simulator.state import Config, digest

from .firewall import SCOPES, Find


def _normal(text: str) -> tuple[str, int]:
    """The address or network as Proxmox reads it back, without the prefix of a single host, and its IP version."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise bad_parameters(
            {"cidr": f"invalid format - value '{text}' does not look like a valid IP address or network"}
        ) from None
    return (text.partition("/")[0] if network.num_addresses == 1 else text), network.version


# aliases


def _alias(call: Call, find: Find) -> Config:
    name = call.path["name"].lower()
    aliases = find(call).aliases
    if name not in aliases:
        raise bad_parameters({"name": f"no such alias '{call.path['name']}'"})
    return aliases[name]


def _add_aliases(path: str, find: Find, audit: str, modify: str) -> None:
    def list_all(call: Call) -> Any:
        return [view(alias) for _, alias in sorted(find(call).aliases.items())]

    def create(call: Call) -> None:
        aliases, name = find(call).aliases, call.values["name"]
        if name.lower() in aliases:
            raise bad_parameters({"name": f"alias '{name}' already exists"})
        aliases[name.lower()] = _entry(name, call.values["cidr"], call.values.get("comment"))

    def update(call: Call) -> None:
        alias = _alias(call, find)
        check_digest(alias, call.values.get("digest"))
        aliases = find(call).aliases
        new = call.values.get("rename") or alias["name"]
        if new.lower() != alias["name"].lower() and new.lower() in aliases:
            raise bad_parameters({"name": f"alias '{new}' already exists"})
        del aliases[alias["name"].lower()]
        comment = call.values.get("comment", alias.get("comment"))
        aliases[new.lower()] = _entry(new, call.values["cidr"], comment)

    def delete(call: Call) -> None:
        alias = _alias(call, find)
        check_digest(alias, call.values.get("digest"))
        del find(call).aliases[alias["name"].lower()]

    endpoint("GET", f"{path}/aliases", check=audit)(list_all)
    endpoint("POST", f"{path}/aliases", "cidr! comment name!", check=modify)(create)
    one = f"{path}/aliases/{{name}}"
    endpoint("GET", one, check=audit)(lambda call: view(_alias(call, find)))
    endpoint("PUT", one, "cidr! comment digest rename", check=modify)(update)
    endpoint("DELETE", one, "digest", check=modify)(delete)


def _entry(name: str, cidr: str, comment: str | None) -> Config:
    address, version = _normal(cidr)
    return {"name": name, "cidr": address, "ipversion": version} | ({"comment": comment} if comment else {})


# IP sets


def _ipset(call: Call, find: Find) -> Config:
    name = call.path["name"]
    ipsets = find(call).ipsets
    if name not in ipsets:
        raise failed(f"IPSet '{name}' does not exist")
    return ipsets[name]


def _member(call: Call, find: Find) -> Config:
    members: list[Config] = _ipset(call, find)["members"]
    for member in members:
        if member["cidr"] == call.path["cidr"]:
            return member
    raise failed(f"no such IP/Network '{call.path['cidr']}' in IPSet '{call.path['name']}'")


def _add_ipsets(path: str, find: Find, audit: str, modify: str) -> None:
    def list_all(call: Call) -> Any:
        return [
            {"name": name, "digest": digest(entry)} | ({"comment": entry["comment"]} if entry.get("comment") else {})
            for name, entry in sorted(find(call).ipsets.items())
        ]

    def write(call: Call) -> None:
        ipsets, name, old = find(call).ipsets, call.values["name"], call.values.get("rename")
        if old is None:
            if name in ipsets:
                raise failed(f"IPSet '{name}' already exists")
            ipsets[name] = {"comment": call.values.get("comment", ""), "members": []}
            return
        if old not in ipsets:
            raise failed(f"IPSet '{old}' does not exist")
        if name != old and name in ipsets:
            raise failed(f"IPSet '{name}' already exists")
        entry = ipsets.pop(old)
        ipsets[name] = entry | {"comment": call.values.get("comment", entry["comment"])}

    def delete(call: Call) -> None:
        if _ipset(call, find)["members"] and not call.values.get("force"):
            raise failed(f"IPSet '{call.path['name']}' is not empty")
        del find(call).ipsets[call.path["name"]]

    endpoint("GET", f"{path}/ipset", check=audit)(list_all)
    endpoint("POST", f"{path}/ipset", "comment digest name! rename", check=modify)(write)
    one = f"{path}/ipset/{{name}}"
    endpoint("GET", one, check=audit)(lambda call: [view(m) for m in _ipset(call, find)["members"]])
    endpoint("DELETE", one, "force:bool", check=modify)(delete)


def _add_members(path: str, find: Find, audit: str, modify: str) -> None:
    def add(call: Call) -> None:
        members, values = _ipset(call, find)["members"], dict(call.values)
        cidr = values["cidr"]
        if cidr[:1].isdigit() or ":" in cidr:
            values["cidr"], _ = _normal(cidr)
        if any(member["cidr"] == values["cidr"] for member in members):
            raise failed(f"address '{values['cidr']}' already exists")
        members.append(values)

    def change_member(call: Call) -> None:
        member = _member(call, find)
        check_digest(member, call.values.get("digest"))
        member |= {k: v for k, v in call.values.items() if k != "digest"}

    def remove_member(call: Call) -> None:
        member = _member(call, find)
        check_digest(member, call.values.get("digest"))
        _ipset(call, find)["members"].remove(member)

    one = f"{path}/ipset/{{name}}/{{cidr}}"
    endpoint("POST", f"{path}/ipset/{{name}}", "cidr! comment nomatch:bool", check=modify)(add)
    endpoint("GET", one, check=audit)(lambda call: view(_member(call, find)))
    endpoint("PUT", one, "comment digest nomatch:bool", check=modify)(change_member)
    endpoint("DELETE", one, "digest", check=modify)(remove_member)


for _scope, _path, _find, (_audit, _modify) in SCOPES:
    if _scope != "node":
        _add_aliases(_path, _find, _audit, _modify)
        _add_ipsets(_path, _find, _audit, _modify)
        _add_members(_path, _find, _audit, _modify)
