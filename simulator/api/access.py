"""``/access``: tickets, users, groups and tokens."""

from __future__ import annotations

import re
from typing import Any

from simulator.authentication import new_secret
from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed, forbidden
from simulator.permissions import Identity, privileges_at
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
