"""What a handler gets: the request's values, who asks, and the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import failed, forbidden
from .permissions import Identity, privileges_at
from .state import Cluster, Guest
from .tasks import Effect

if TYPE_CHECKING:
    from .server import Server


@dataclass(slots=True)
class Call:
    """One API request."""

    server: Server
    who: Identity
    path: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    upload: tuple[str, bytes] | None = None

    @property
    def cluster(self) -> Cluster:
        """The simulated cluster."""
        return self.server.cluster

    @property
    def node(self) -> str:
        """The node in the path."""
        return self.path["node"]

    def may(self, path: str, *privileges: str) -> bool:
        """Whether the caller has all the privileges at the path."""
        if self.who.user == "root@pam" and (
            self.who.token is None or not self.cluster.users["root@pam"]["tokens"][self.who.token].get("privsep", 1)
        ):
            return True
        return privileges_at(self.cluster, self.who, path).issuperset(privileges)

    def require(self, path: str, *privileges: str, either: bool = False) -> None:
        """Refuses with 403 unless the caller has the privileges (with ``either``, one of them) at the path."""
        if either:
            if not any(self.may(path, privilege) for privilege in privileges):
                raise forbidden(f"{path}, {'|'.join(privileges)}")
            return
        for privilege in privileges:
            if not self.may(path, privilege):
                raise forbidden(f"{path}, {privilege}")

    def require_on_guest(self, vmid: int, pool: str | None, *privileges: str) -> None:
        """As `require` on ``/vms/ID``; what the caller may do in the pool counts too."""
        for privilege in privileges:
            if not (pool and self.may(f"/pool/{pool}", privilege)):
                self.require(f"/vms/{vmid}", privilege)

    def require_root(self, what: str) -> None:
        """Refuses what only ``root@pam`` with a password may do."""
        if not self.who.is_root:
            raise forbidden(what)

    def check(self, rule: str) -> None:
        """Applies an endpoint's ``PATH PRIVILEGE`` rule."""
        path, _, privileges = rule.partition(" ")
        if "{" in path:
            path = path.format(**{**self.values, **self.path})
        if "|" in privileges:
            self.require(path, *privileges.split("|"), either=True)
        else:
            self.require(path, *privileges.split("&"))

    def guest(self, kind: str) -> Guest:
        """The guest in the path."""
        return self.cluster.guest(self.node, kind, self.path["vmid"])

    def unlocked(self, guest: Guest) -> Guest:
        """The guest, unless a lock such as ``backup`` is on it."""
        if lock := guest.config.get("lock"):
            raise failed(f"{'VM' if guest.kind == 'qemu' else 'CT'} is locked ({lock})")
        return guest

    def task(
        self,
        task_type: str,
        task_id: str | int,
        effect: Effect,
        *,
        guest: Guest | None = None,
        undo: Callable[[], None] | None = None,
        node: str | None = None,
    ) -> str:
        """Starts a task and answers with its UPID; see `Tasks.start`."""
        return self.server.tasks.start(
            node or self.node, task_type, task_id, self.who.name, effect, guest=guest, undo=undo
        )
