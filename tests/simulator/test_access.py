"""Logins, tokens, roles and what they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from simulator import Simulator
from tests.simulator.api_client import CT_TEMPLATE, TEMPLATE_URL, Api

As = Callable[..., Api]


@pytest.fixture
def as_token(simulator: Simulator) -> Iterator[As]:
    """A client with a token of a user that has these roles."""
    clients: list[Api] = []

    def make(roles: dict[str, str] | None = None, user: str = "robot@pve", **token: object) -> Api:
        simulator.add_user(user, roles=roles)
        clients.append(Api(simulator, simulator.add_token(user, "t", **token)))  # type: ignore[arg-type]
        return clients[-1]

    yield make
    for client in clients:
        client.http.close()


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "No ticket"),
        ("root@pam!simulator=00000000-0000-0000-0000-000000000000", "invalid token value!"),
        ("nobody@pam!x=1", "no such user ('nobody@pam')"),
        ("root@pam!other=1", "no such token 'other' for user 'root@pam'"),
        ("nonsense", "no tokenid specified"),
    ],
)
def test_wrong_credentials_get_401(simulator: Simulator, token: str | None, message: str) -> None:
    client = Api(simulator, token)
    refusal = client.refused("GET", "/version")
    client.http.close()
    assert (refusal.status, refusal.message) == (401, message)


def test_a_password_gives_a_ticket_that_needs_the_csrf_token_to_write(simulator: Simulator) -> None:
    client = Api(simulator)
    login = client.post("/access/ticket", username="root@pam", password=simulator.root_password)
    client.http.cookies.set("PVEAuthCookie", login["ticket"])
    assert client.get("/version")["release"] == "9.2"
    assert client.refused("POST", "/pools", poolid="lab").message == "permission denied - invalid csrf token"
    client.http.headers["CSRFPreventionToken"] = login["CSRFPreventionToken"]
    client.post("/pools", poolid="lab")
    client.http.cookies.set("PVEAuthCookie", login["ticket"].replace("root", "toor"))
    assert client.refused("GET", "/version").message == "permission denied - invalid PVE ticket"
    client.http.close()


def test_a_wrong_password_is_refused(simulator: Simulator) -> None:
    client = Api(simulator)
    refusal = client.refused("POST", "/access/ticket", username="root@pam", password="guess")
    client.http.close()
    assert (refusal.status, refusal.message) == (401, "authentication failure")


def test_a_token_without_privileges_is_told_which_it_lacks(api: Api, as_token: As) -> None:
    api.add_machine()
    robot = as_token()
    assert (
        robot.refused("POST", "/nodes/pve/qemu", vmid=101).message == "Permission check failed (/vms/101, VM.Allocate)"
    )
    refusal = robot.refused("GET", "/nodes/pve/qemu/100/config")
    assert (refusal.status, refusal.message) == (403, "Permission check failed (/vms/100, VM.Audit)")
    assert robot.get("/nodes/pve/qemu") == []
    assert robot.get("/access/acl") == []


@pytest.mark.parametrize(
    ("request_line", "values", "lacks"),
    [
        ("POST /pools", {"poolid": "lab"}, "/pool/lab, Pool.Allocate"),
        ("POST /storage", {"storage": "s1", "type": "dir", "path": "/x"}, "/storage, Datastore.Allocate"),
        ("PUT /cluster/options", {"keyboard": "de"}, "/, Sys.Modify"),
        ("PUT /nodes/pve/dns", {"search": "x"}, "/nodes/pve, Sys.Modify"),
        ("POST /access/roles", {"roleid": "r"}, "/access, Sys.Modify"),
        ("POST /access/users", {"userid": "a@pve"}, "/access/realm/pve, Realm.AllocateUser"),
        ("PUT /access/acl", {"path": "/", "roles": "NoAccess", "users": "root@pam"}, "/, Permissions.Modify"),
        ("POST /cluster/ha/resources", {"sid": "vm:100"}, "/, Sys.Console"),
        ("POST /cluster/sdn/zones", {"zone": "z", "type": "simple"}, "/sdn/zones, SDN.Allocate"),
        ("GET /nodes/pve/storage/local/content", {}, "/storage/local, Datastore.Audit|Datastore.AllocateSpace"),
        ("DELETE /nodes/pve/qemu/100", {}, "/vms/100, VM.Allocate"),
        ("POST /nodes/pve/qemu/100/status/start", {}, "/vms/100, VM.PowerMgmt"),
        ("POST /nodes/pve/qemu/100/clone", {"newid": 101}, "/vms/100, VM.Clone"),
        ("PUT /nodes/pve/qemu/100/resize", {"disk": "scsi0", "size": "9G"}, "/vms/100, VM.Config.Disk"),
        ("GET /nodes/pve/qemu/100/firewall/rules", {}, "/vms/100, VM.Audit"),
    ],
)
def test_each_area_checks_its_privilege(
    api: Api, as_token: As, request_line: str, values: dict[str, str], lacks: str
) -> None:
    api.add_machine()
    method, path = request_line.split(" ")
    refusal = as_token().refused(method, path, **values)
    assert (refusal.status, refusal.message) == (403, f"Permission check failed ({lacks})")


@pytest.mark.parametrize(
    ("values", "lacks"),
    [
        ({"cores": 2}, "VM.Config.CPU"),
        ({"memory": 1024}, "VM.Config.Memory"),
        ({"net1": "virtio,bridge=vmbr0"}, "VM.Config.Network"),
        ({"scsi1": "local-lvm:1"}, "VM.Config.Disk"),
        ({"machine": "q35"}, "VM.Config.HWType"),
        ({"ciuser": "me"}, "VM.Config.Cloudinit"),
        ({"onboot": 1}, "VM.Config.Options"),
    ],
)
def test_settings_of_a_machine_have_their_own_privileges(
    api: Api, as_token: As, values: dict[str, object], lacks: str
) -> None:
    api.add_machine()
    others = {"VM.Config.CPU", "VM.Config.Memory"} - {lacks}
    api.post("/access/roles", roleid="some", privs=",".join(others))
    robot = as_token({"/vms": "some"})
    refusal = robot.refused("PUT", "/nodes/pve/qemu/100/config", **values)
    assert refusal.message == f"Permission check failed (/vms/100, {lacks})"


def test_attaching_to_a_bridge_and_using_a_storage_need_privileges(as_token: As) -> None:
    robot = as_token({"/vms": "PVEVMAdmin"})
    refusal = robot.refused("POST", "/nodes/pve/qemu", vmid=100, net0="virtio,bridge=vmbr0")
    assert refusal.message == "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"
    refusal = robot.refused("POST", "/nodes/pve/qemu", vmid=100, scsi0="local-lvm:1")
    assert refusal.message.endswith("Permission check failed (/storage/local-lvm, Datastore.AllocateSpace)")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"features": "nesting=1,mount=nfs"}, "changing feature flags (except nesting) is only allowed for root@pam"),
        ({"mp0": "/srv,mp=/srv"}, "mount point type bind is only allowed for root@pam"),
        ({"hookscript": "local:snippets/x"}, "changing the hookscript is only allowed for root@pam"),
        ({"dev0": "/dev/kvm"}, "configuring device passthrough is only allowed for root@pam"),
        (
            {"features": "nesting=1", "unprivileged": 0},
            "changing feature flags for privileged container is only allowed for root@pam",
        ),
    ],
)
def test_even_a_token_of_root_may_not_what_only_root_may(api: Api, values: dict[str, object], message: str) -> None:
    api.download(TEMPLATE_URL, "vztmpl")
    settings = {"ostemplate": CT_TEMPLATE, "unprivileged": 1, "rootfs": "local-lvm:4", **values}
    refusal = api.refused("POST", "/nodes/pve/lxc", vmid=200, **settings)
    assert (refusal.status, refusal.message) == (403, f"Permission check failed ({message})")
    assert api.get("/nodes/pve/lxc") == []


@pytest.mark.parametrize("key", ["args", "hookscript", "affinity", "ciupgrade"])
def test_root_only_settings_of_a_machine(api: Api, key: str) -> None:
    refusal = api.refused("POST", "/nodes/pve/qemu", vmid=100, **{key: "1"})
    assert refusal.message == f"Permission check failed (only root can set '{key}' config)"


def test_a_separated_token_has_only_what_both_have(api: Api, as_token: As) -> None:
    api.add_machine()
    robot = as_token({"/vms": "PVEVMAdmin"}, privsep=True)
    assert robot.refused("GET", "/nodes/pve/qemu/100/config").status == 403
    api.put("/access/acl", path="/vms", roles="PVEAuditor", tokens="robot@pve!t")
    assert robot.get("/nodes/pve/qemu/100/config")["name"] == "vm100"
    assert robot.refused("POST", "/nodes/pve/qemu/100/status/start").message.endswith("VM.PowerMgmt)")


def test_entries_nearer_to_the_path_win_and_propagate_only_if_told(api: Api, as_token: As) -> None:
    api.add_machine(100)
    api.add_machine(101)
    robot = as_token({"/": "PVEAuditor"})
    api.put("/access/acl", path="/vms/101", roles="NoAccess", users="robot@pve")
    assert [vm["vmid"] for vm in robot.get("/nodes/pve/qemu")] == [100]
    api.put("/access/acl", path="/", roles="PVEAuditor", users="robot@pve", propagate=0)
    assert robot.get("/nodes/pve/qemu") == []


def test_a_role_on_a_pool_reaches_its_members_and_lets_create_in_it(api: Api, as_token: As) -> None:
    api.add_machine()
    api.post("/pools", poolid="lab")
    api.put("/pools", poolid="lab", vms="100")
    robot = as_token({"/pool/lab": "PVEVMAdmin"})
    assert robot.get("/nodes/pve/qemu/100/config")["name"] == "vm100"
    robot.done(robot.post("/nodes/pve/qemu", vmid=101, pool="lab"))
    assert robot.refused("POST", "/nodes/pve/qemu", vmid=102).status == 403


def test_groups_give_their_members_roles(api: Api, as_token: As) -> None:
    api.add_machine()
    robot = as_token()
    api.post("/access/groups", groupid="auditors")
    api.put("/access/users/robot@pve", groups="auditors")
    api.put("/access/acl", path="/vms", roles="PVEAuditor", groups="auditors")
    assert api.get("/access/groups/auditors")["members"] == ["robot@pve"]
    assert [vm["vmid"] for vm in robot.get("/nodes/pve/qemu")] == [100]
    api.delete("/access/groups/auditors")
    assert robot.get("/nodes/pve/qemu") == []


def test_the_secret_of_a_token_is_shown_once(api: Api, simulator: Simulator) -> None:
    api.post("/access/users", userid="ci@pve")
    made = api.post("/access/users/ci@pve/token/deploy", comment="x", privsep=0)
    assert made["full-tokenid"] == "ci@pve!deploy"
    assert "value" not in api.get("/access/users/ci@pve/token/deploy")
    client = Api(simulator, f"ci@pve!deploy={made['value']}")
    assert client.get("/version")["version"]
    api.put("/access/users/ci@pve", enable=0)
    assert client.refused("GET", "/version").message == "user 'ci@pve' is disabled"
    api.delete("/access/users/ci@pve")
    assert client.refused("GET", "/version").status == 401
    client.http.close()


def test_an_expired_token_is_refused(api: Api, simulator: Simulator) -> None:
    made = api.post("/access/users/root@pam/token/old", expire=1)
    client = Api(simulator, f"root@pam!old={made['value']}")
    assert client.refused("GET", "/version").message == "token 'root@pam!old' access expired"
    client.http.close()


@pytest.mark.parametrize(
    ("method", "path", "values", "message"),
    [
        ("POST", "/access/roles", {"roleid": "PVEAdmin"}, "create role failed: role 'PVEAdmin' already exists"),
        ("PUT", "/access/roles/PVEAdmin", {"privs": ""}, "auto-generated role 'PVEAdmin' cannot be modified"),
        ("GET", "/access/roles/x", {}, "role 'x' does not exist"),
        ("POST", "/access/users", {"userid": "root@pam"}, "create user failed: user 'root@pam' already exists"),
        ("POST", "/access/users", {"userid": "a@ldap"}, "domain 'ldap' does not exist"),
        ("GET", "/access/users/a@pve", {}, "no such user ('a@pve')"),
        ("GET", "/access/groups/x", {}, "group 'x' does not exist"),
        ("PUT", "/access/acl", {"path": "/", "roles": "x", "users": "root@pam"}, "role 'x' does not exist"),
        ("PUT", "/access/acl", {"path": "/", "roles": "PVEAdmin", "users": "a@pve"}, "no such user ('a@pve')"),
        ("PUT", "/access/acl", {"path": "/", "roles": "PVEAdmin", "groups": "g"}, "no such group 'g'"),
    ],
)
def test_what_is_missing_or_taken(api: Api, method: str, path: str, values: dict[str, str], message: str) -> None:
    refusal = api.refused(method, path, **values)
    assert (refusal.status, refusal.message) == (500, message)


def test_an_unknown_privilege_is_refused(api: Api) -> None:
    refusal = api.refused("POST", "/access/roles", roleid="x", privs="VM.Monitor")
    assert refusal.errors == {"privs": "invalid format - invalid privilege 'VM.Monitor'"}
