"""Roles, privileges and access control lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .state import Cluster

_PRIVILEGE_NAMES = """
    Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit Group.Allocate
    Mapping.Audit Mapping.Modify Mapping.Use Permissions.Modify Pool.Allocate Pool.Audit Realm.Allocate
    Realm.AllocateUser SDN.Allocate SDN.Audit SDN.Use Sys.AccessNetwork Sys.Audit Sys.Console Sys.Incoming
    Sys.Modify Sys.PowerMgmt Sys.Syslog User.Modify VM.Allocate VM.Audit VM.Backup VM.Clone VM.Config.CDROM
    VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network
    VM.Config.Options VM.Console VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt
    VM.GuestAgent.FileWrite VM.GuestAgent.Unrestricted VM.Migrate VM.PowerMgmt VM.Replicate VM.Snapshot
    VM.Snapshot.Rollback
"""
PRIVILEGES = frozenset(_PRIVILEGE_NAMES.split())


def _matching(*prefixes: str, without: frozenset[str] = frozenset()) -> frozenset[str]:
    return frozenset(p for p in PRIVILEGES if p.startswith(prefixes)) - without


_VM_ADMIN_ONLY = frozenset(
    {"VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Replicate", "VM.Snapshot", "VM.Snapshot.Rollback"}
)

BUILT_IN_ROLES: dict[str, frozenset[str]] = {
    "NoAccess": frozenset(),
    "Administrator": PRIVILEGES,
    "PVEAdmin": PRIVILEGES
    - {"Permissions.Modify", "Realm.Allocate", "Sys.Modify", "Sys.PowerMgmt", "Sys.Incoming", "Sys.AccessNetwork"},
    "PVEAuditor": frozenset(p for p in PRIVILEGES if p.endswith(".Audit")),
    "PVEDatastoreAdmin": _matching("Datastore."),
    "PVEDatastoreUser": frozenset({"Datastore.AllocateSpace", "Datastore.Audit"}),
    "PVEMappingAdmin": _matching("Mapping."),
    "PVEMappingAuditor": frozenset({"Mapping.Audit"}),
    "PVEMappingUser": frozenset({"Mapping.Audit", "Mapping.Use"}),
    "PVEPoolAdmin": _matching("Pool."),
    "PVEPoolUser": frozenset({"Pool.Audit"}),
    "PVESDNAdmin": _matching("SDN."),
    "PVESDNUser": frozenset({"SDN.Audit", "SDN.Use"}),
    "PVESysAdmin": frozenset({"Permissions.Modify", "Sys.Audit", "Sys.Console", "Sys.Syslog"}),
    "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"}),
    "PVEUserAdmin": frozenset({"Group.Allocate", "Realm.AllocateUser", "User.Modify"}),
    "PVEVMAdmin": _matching("VM."),
    "PVEVMUser": _matching("VM.", without=_VM_ADMIN_ONLY)
    - {p for p in PRIVILEGES if p.startswith("VM.Config.") and p not in {"VM.Config.CDROM", "VM.Config.Cloudinit"}},
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: a user by ticket, or one of the user's API tokens."""

    user: str
    token: str | None = None

    @property
    def name(self) -> str:
        """``user@realm`` or ``user@realm!token``."""
        return f"{self.user}!{self.token}" if self.token else self.user

    @property
    def is_root(self) -> bool:
        """``root@pam`` itself; none of its tokens, which may not do what only root may."""
        return self.user == "root@pam" and self.token is None


def role_privileges(cluster: Cluster, role: str) -> frozenset[str]:
    """The privileges of a built-in or own role; of an unknown one, none."""
    return BUILT_IN_ROLES.get(role) or frozenset(cluster.roles.get(role, ()))


def privileges_at(cluster: Cluster, who: Identity, path: str) -> frozenset[str]:
    """What the caller may do at a path, pools included."""
    if who.token is None:
        return _user_privileges(cluster, who.user, path)
    token = cluster.users[who.user]["tokens"][who.token]
    of_user = _user_privileges(cluster, who.user, path)
    if not token.get("privsep", 1):
        return of_user
    return of_user & _with_pool(cluster, path, lambda p: _acl_privileges(cluster, p, {("token", who.name)}, set()))


def _user_privileges(cluster: Cluster, user: str, path: str) -> frozenset[str]:
    if user == "root@pam":
        return PRIVILEGES
    groups = {("group", g) for g in str(cluster.users[user].get("groups", "")).split(",") if g}
    return _with_pool(cluster, path, lambda p: _acl_privileges(cluster, p, {("user", user)}, groups))


def _with_pool(cluster: Cluster, path: str, privileges: Callable[[str], frozenset[str]]) -> frozenset[str]:
    found: frozenset[str] = privileges(path)
    kind, _, member = path.strip("/").partition("/")
    if kind in ("vms", "storage") and (pool := cluster.pool_of.get(member)):
        found |= privileges(f"/pool/{pool}")
    return found


def _acl_privileges(
    cluster: Cluster, path: str, direct: set[tuple[str, str]], groups: set[tuple[str, str]]
) -> frozenset[str]:
    if not cluster.acl:
        return frozenset()
    parts = [part for part in path.split("/") if part]
    prefixes = ["/"] + ["/" + "/".join(parts[: i + 1]) for i in range(len(parts))]
    roles: set[str] = set()
    for prefix in prefixes:
        for subjects in (direct, groups):
            here = {
                role
                for (entry_path, role, kind, subject), propagate in cluster.acl.items()
                if entry_path == prefix and (kind, subject) in subjects and (propagate or prefix == prefixes[-1])
            }
            if here:
                roles = here
                break
    if "NoAccess" in roles:
        return frozenset()
    return frozenset().union(*(role_privileges(cluster, role) for role in roles))
