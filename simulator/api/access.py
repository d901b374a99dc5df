"""``/access``: tickets, users, groups, roles, tokens and access control lists."""

from __future__ import annotations

import re
from typing import Any

from simulator.authentication import new_secret
from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import ApiError, bad_parameters, failed, forbidden
from simulator.permissions import BUILT_IN_ROLES, PRIVILEGES, Identity, privileges_at, role_privileges
from simulator.properties import split_list
from simulator.state import Config

_USER_ID = re.compile(r"^[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+$")
_REALMS = ("pam", "pve")
_USER_KEYS = "comment email enable:bool expire:int firstname groups keys lastname"


@endpoint("GET", "/access/ticket")
def login_page(call: Call) -> None:
    """Answers nothing; clients probe it."""


@endpoint("POST", "/access/ticket", "new-format:bool otp password! path privs realm tfa-challenge username!")
def login(call: Call) -> Any:
    """A ticket for user and password."""
    user = call.values["username"]
    if realm := call.values.get("realm"):
        user = user if "@" in user else f"{user}@{realm}"
    ticket, csrf = call.server.authentication.login(user, call.values["password"])
    return {"username": user, "ticket": ticket, "CSRFPreventionToken": csrf, "cap": {}}


@endpoint("GET", "/access/domains")
def list_realms(_call: Call) -> Any:
    """The two realms every installation has."""
    comments = {"pam": "Linux PAM standard authentication", "pve": "Proxmox VE authentication server"}
    return [{"realm": name, "type": name, "comment": comments[name]} for name in _REALMS]


@endpoint("GET", "/access/permissions", "path userid")
def permissions(call: Call) -> Any:
    """What the caller, or a given user or token, may do at each path."""
    subject = call.values.get("userid", call.who.name)
    user, _, token = subject.partition("!")
    if subject != call.who.name:
        call.require("/access", "Sys.Audit")
    if user not in call.cluster.users or (token and token not in call.cluster.users[user]["tokens"]):
        raise failed(f"no such user ('{subject}')")
    paths = [call.values["path"]] if "path" in call.values else sorted({"/", *(key[0] for key in call.cluster.acl)})
    who = Identity(user, token or None)
    return {p: dict.fromkeys(sorted(found), 1) for p in paths if (found := privileges_at(call.cluster, who, p))}


# users


def _user(call: Call, name: str) -> Config:
    if name not in call.cluster.users:
        raise failed(f"no such user ('{name}')")
    return call.cluster.users[name]


def _user_view(user: Config) -> Config:
    view = {k: v for k, v in user.items() if k not in ("tokens", "groups")}
    view["groups"] = split_list(str(user.get("groups", "")))
    view["tokens"] = {name: _token_view(token) for name, token in user["tokens"].items()}
    return view


def _check_groups(call: Call) -> None:
    for group in split_list(call.values.get("groups", "")):
        if group not in call.cluster.groups:
            raise failed(f"no such group '{group}'")


@endpoint("GET", "/access/users", "enabled:bool full:bool")
def list_users(call: Call) -> Any:
    """All users the caller may see."""
    everything = call.may("/access", "User.Modify") or call.may("/access", "Sys.Audit")
    found = []
    for name, user in sorted(call.cluster.users.items()):
        if everything or name == call.who.user:
            view = {k: v for k, v in _user_view(user).items() if k not in ("tokens", "groups")}
            if call.values.get("full"):
                view["groups"] = user.get("groups", "")
                view["tokens"] = [{"tokenid": t} | _token_view(v) for t, v in user["tokens"].items()]
            found.append(view | {"userid": name})
    return found


@endpoint("POST", "/access/users", f"{_USER_KEYS} password userid!")
def create_user(call: Call) -> None:
    """Adds a user; a password is for the realm ``pve`` only."""
    values = dict(call.values)
    name = values.pop("userid")
    if not _USER_ID.match(name):
        raise bad_parameters({"userid": f"invalid format - value '{name}' does not look like a valid user name"})
    realm = name.partition("@")[2]
    call.require(f"/access/realm/{realm}", "Realm.AllocateUser")
    call.require("/access/groups", "User.Modify")
    if realm not in _REALMS:
        raise failed(f"domain '{realm}' does not exist")
    if name in call.cluster.users:
        raise failed(f"create user failed: user '{name}' already exists")
    _check_groups(call)
    password = values.pop("password", "")
    if password and realm == "pve":
        call.server.authentication.passwords[name] = password
    call.cluster.users[name] = {"enable": 1, "expire": 0, **values, "tokens": {}}


@endpoint("GET", "/access/users/{userid}")
def read_user(call: Call) -> Any:
    """One user with groups and tokens."""
    if call.path["userid"] != call.who.user:
        call.require("/access/groups", "User.Modify", "Sys.Audit", either=True)
    return _user_view(_user(call, call.path["userid"]))


@endpoint("PUT", "/access/users/{userid}", f"append:bool {_USER_KEYS}")
def update_user(call: Call) -> None:
    """Changes what is given; groups are replaced unless ``append`` is set."""
    call.require("/access/groups", "User.Modify")
    user = _user(call, call.path["userid"])
    values = dict(call.values)
    _check_groups(call)
    if values.pop("append", 0) and user.get("groups"):
        values["groups"] = ",".join(dict.fromkeys([*split_list(user["groups"]), *split_list(values.get("groups", ""))]))
    user |= values


@endpoint("PUT", "/access/password", "confirmation-password password! userid!")
def change_password(call: Call) -> None:
    """Sets a password: one's own, or another's with the privilege."""
    name = call.values["userid"]
    if name != call.who.user:
        call.require("/access/groups", "User.Modify")
    if call.who.token:
        raise forbidden("password change is not allowed with an API token")
    _user(call, name)
    call.server.authentication.passwords[name] = call.values["password"]


@endpoint("DELETE", "/access/users/{userid}")
def delete_user(call: Call) -> None:
    """Removes a user with tokens and ACL entries."""
    name = call.path["userid"]
    call.require(f"/access/realm/{name.partition('@')[2]}", "Realm.AllocateUser")
    call.require("/access/groups", "User.Modify")
    _user(call, name)
    if name == "root@pam":
        raise failed("Protected user 'root@pam' can't be removed")
    del call.cluster.users[name]
    call.server.authentication.passwords.pop(name, None)
    for key in list(call.cluster.acl):
        if key[3] == name or key[3].startswith(f"{name}!"):
            del call.cluster.acl[key]


# tokens


def _token_view(token: Config) -> Config:
    return {k: v for k, v in token.items() if k != "value"}


def _tokens(call: Call) -> Config:
    if call.path["userid"] != call.who.user:
        call.require("/access/groups", "User.Modify")
    tokens: Config = _user(call, call.path["userid"])["tokens"]
    return tokens


def _token(call: Call) -> Config:
    tokens = _tokens(call)
    name = call.path["tokenid"]
    if name not in tokens:
        raise failed(f"no such token '{name}' for user '{call.path['userid']}'")
    token: Config = tokens[name]
    return token


@endpoint("GET", "/access/users/{userid}/token")
def list_tokens(call: Call) -> Any:
    """The user's tokens, without their secrets."""
    return [{"tokenid": name} | _token_view(token) for name, token in _tokens(call).items()]


@endpoint("GET", "/access/users/{userid}/token/{tokenid}")
def read_token(call: Call) -> Any:
    """One token, without its secret."""
    return _token_view(_token(call))


@endpoint("POST", "/access/users/{userid}/token/{tokenid}", "comment expire:int privsep:bool")
def create_token(call: Call) -> Any:
    """Makes a token; the only answer that holds its secret."""
    user, name = call.path["userid"], call.path["tokenid"]
    if name in _tokens(call):
        raise bad_parameters({"tokenid": "Token already exists."})
    privsep = int(call.values.get("privsep", 1))
    value = call.server.authentication.add_token(
        user,
        name,
        privsep=bool(privsep),
        comment=call.values.get("comment", ""),
        expire=int(call.values.get("expire", 0)),
    )
    info = {k: str(v) if k == "privsep" else v for k, v in _token_view(_token(call)).items()}
    return {"full-tokenid": f"{user}!{name}", "info": info, "value": value}


@endpoint("PUT", "/access/users/{userid}/token/{tokenid}", "comment delete expire:int privsep:bool regenerate:bool")
def update_token(call: Call) -> Any:
    """Changes comment, expiry, privilege separation or (``regenerate``) the secret."""
    token = _token(call)
    values = dict(call.values)
    for key in split_list(values.pop("delete", "")):
        token.pop(key, None)
    regenerate = values.pop("regenerate", 0)
    token |= values
    view = _token_view(token)
    if regenerate:
        token["value"] = new_secret()
        return {"info": view, "value": token["value"], "full-tokenid": f"{call.path['userid']}!{call.path['tokenid']}"}
    return view


@endpoint("DELETE", "/access/users/{userid}/token/{tokenid}")
def delete_token(call: Call) -> None:
    """Removes a token and its ACL entries."""
    _token(call)
    del _tokens(call)[call.path["tokenid"]]
    subject = f"{call.path['userid']}!{call.path['tokenid']}"
    for key in [k for k in call.cluster.acl if k[3] == subject]:
        del call.cluster.acl[key]


# groups


def _group(call: Call) -> Config:
    name = call.path["groupid"]
    if name not in call.cluster.groups:
        raise failed(f"group '{name}' does not exist")
    return call.cluster.groups[name]


def _members(call: Call, group: str) -> list[str]:
    return sorted(n for n, u in call.cluster.users.items() if group in split_list(str(u.get("groups", ""))))


@endpoint("GET", "/access/groups")
def list_groups(call: Call) -> Any:
    """All groups with their members."""
    return [
        {"groupid": name, "users": ",".join(_members(call, name)), **group}
        for name, group in sorted(call.cluster.groups.items())
    ]


@endpoint("POST", "/access/groups", "comment groupid!", check="/access/groups Group.Allocate")
def create_group(call: Call) -> None:
    """Adds an empty group."""
    name = call.values["groupid"]
    if name in call.cluster.groups:
        raise failed(f"create group failed: group '{name}' already exists")
    call.cluster.groups[name] = {"comment": call.values["comment"]} if call.values.get("comment") else {}


@endpoint("GET", "/access/groups/{groupid}", check="/access/groups Sys.Audit|Group.Allocate")
def read_group(call: Call) -> Any:
    """One group with its members."""
    return _group(call) | {"members": _members(call, call.path["groupid"])}


@endpoint("PUT", "/access/groups/{groupid}", "comment", check="/access/groups Group.Allocate")
def update_group(call: Call) -> None:
    """Changes the comment."""
    _group(call)["comment"] = call.values.get("comment", "")


@endpoint("DELETE", "/access/groups/{groupid}", check="/access/groups Group.Allocate")
def delete_group(call: Call) -> None:
    """Removes a group, its memberships and its ACL entries."""
    _group(call)
    name = call.path["groupid"]
    del call.cluster.groups[name]
    for member in _members(call, name):
        user = call.cluster.users[member]
        user["groups"] = ",".join(g for g in split_list(user["groups"]) if g != name)
    for key in [k for k in call.cluster.acl if k[2:] == ("group", name)]:
        del call.cluster.acl[key]


# roles


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
