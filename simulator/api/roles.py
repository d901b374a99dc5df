"""``/access/roles`` and ``/access/acl``: roles and access control lists."""

from __future__ import annotations

from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import ApiError, bad_parameters, failed
from simulator.permissions import BUILT_IN_ROLES, PRIVILEGES, role_privileges
from simulator.properties import split_list


def _privileges(text: str) -> set[str]:
    wanted = set(split_list(text))
    if unknown := sorted(wanted - PRIVILEGES):
        raise bad_parameters({"privs": f"invalid format - invalid privilege '{unknown[0]}'"})
    return wanted


def _own_role(call: Call, verb: str) -> str:
    name = call.path["roleid"]
    if name in BUILT_IN_ROLES:
        raise failed(f"auto-generated role '{name}' cannot be {verb}")
    if name not in call.cluster.roles:
        raise failed(f"role '{name}' does not exist")
    return name


@endpoint("GET", "/access/roles")
def list_roles(call: Call) -> Any:
    """Built-in (``special``) and own roles."""
    return [
        {"roleid": name, "privs": ",".join(sorted(role_privileges(call.cluster, name))), "special": special}
        for names, special in ((BUILT_IN_ROLES, 1), (call.cluster.roles, 0))
        for name in sorted(names)
    ]


@endpoint("POST", "/access/roles", "privs roleid!", check="/access Sys.Modify")
def create_role(call: Call) -> None:
    """Adds a role."""
    name = call.values["roleid"]
    if name in call.cluster.roles or name in BUILT_IN_ROLES:
        raise failed(f"create role failed: role '{name}' already exists")
    call.cluster.roles[name] = _privileges(call.values.get("privs", ""))


@endpoint("GET", "/access/roles/{roleid}")
def read_role(call: Call) -> Any:
    """The privileges of a role."""
    name = call.path["roleid"]
    if name not in BUILT_IN_ROLES and name not in call.cluster.roles:
        raise failed(f"role '{name}' does not exist")
    return dict.fromkeys(sorted(role_privileges(call.cluster, name)), 1)


@endpoint("PUT", "/access/roles/{roleid}", "append:bool privs", check="/access Sys.Modify")
def update_role(call: Call) -> None:
    """Replaces the privileges, or adds to them with ``append``."""
    name = _own_role(call, "modified")
    wanted = _privileges(call.values.get("privs", ""))
    call.cluster.roles[name] = (call.cluster.roles[name] | wanted) if call.values.get("append") else wanted


@endpoint("DELETE", "/access/roles/{roleid}", check="/access Sys.Modify")
def delete_role(call: Call) -> None:
    """Removes a role and its ACL entries."""
    name = _own_role(call, "deleted")
    del call.cluster.roles[name]
    for key in [k for k in call.cluster.acl if k[1] == name]:
        del call.cluster.acl[key]


# access control lists


@endpoint("GET", "/access/acl")
def read_acl(call: Call) -> Any:
    """All entries for those who may see them."""
    if not (call.may("/access", "Sys.Audit") or call.may("/access", "Permissions.Modify")):
        return []
    return [
        {"path": path, "roleid": role, "type": kind, "ugid": subject, "propagate": propagate}
        for (path, role, kind, subject), propagate in call.cluster.acl.items()
    ]


@endpoint("PUT", "/access/acl", "delete:bool groups path! propagate:bool roles! tokens users")
def write_acl(call: Call) -> None:
    """Gives or (``delete``) takes roles to users, groups and tokens at a path."""
    values, cluster = call.values, call.cluster
    path = "/" + str(values["path"]).strip("/")
    call.require(path, "Permissions.Modify")
    subjects = [
        (kind, name)
        for kind, key in (("group", "groups"), ("user", "users"), ("token", "tokens"))
        for name in split_list(values.get(key, ""))
    ]
    if not subjects:
        missing = "property is missing and it is not optional"
        raise bad_parameters({"users": missing, "groups": missing, "tokens": missing})
    for role in split_list(values["roles"]):
        if not role_privileges(cluster, role) and role not in BUILT_IN_ROLES and role not in cluster.roles:
            raise failed(f"role '{role}' does not exist")
        for kind, subject in subjects:
            key = (path, role, kind, subject)
            if values.get("delete"):
                cluster.acl.pop(key, None)
                continue
            _known_subject(call, kind, subject)
            cluster.acl[key] = int(values.get("propagate", 1))


def _known_subject(call: Call, kind: str, subject: str) -> None:
    if kind == "group" and subject not in call.cluster.groups:
        raise failed(f"no such group '{subject}'")
    user, _, token = subject.partition("!")
    if kind != "group" and user not in call.cluster.users:
        raise failed(f"no such user ('{user}')")
    if kind == "token" and token not in call.cluster.users[user]["tokens"]:
        raise ApiError(500, f"no such token '{token}' for user '{user}'")
