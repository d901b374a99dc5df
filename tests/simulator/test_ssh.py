"""The SSH side: who gets in, what runs, and which files the API sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from simulator import Simulator
from simulator.ssh import SshCommand
from simulator.ssh_commands import with_input
from tests.simulator.api_client import Api

PRELUDE = "export TRY_SUDO_USE_SUDO=0; try_sudo(){ $1; }; "


def on_node(
    simulator: Simulator,
    work: Callable[[asyncssh.SSHClientConnection], Awaitable[object]],
    node: str = "pve",
    **login: object,
) -> object:
    """What ``work`` returns on a connection to a node whose host key is verified."""

    async def run() -> object:
        known = asyncssh.import_known_hosts(simulator.known_hosts)
        options = {"username": "root", "client_keys": [str(simulator.ssh_private_key_file)], **login}
        port = simulator.ssh_ports[node]
        async with asyncssh.connect("127.0.0.1", port, known_hosts=known, config=None, **options) as connection:
            return await work(connection)

    return asyncio.run(run())


def command(simulator: Simulator, script: str, text: str = "", node: str = "pve", **login: Any) -> tuple[int, str]:
    """Exit code and output of a script, sent as the provider sends it."""
    quoted = script.replace("'", "'\"'\"'")

    async def work(connection: asyncssh.SSHClientConnection) -> object:
        done = await connection.run(f"/bin/bash -c '{quoted}'", input=text)
        return done.exit_status, str(done.stdout)

    found = on_node(simulator, work, node, **login)
    assert isinstance(found, tuple)
    return found


def test_root_gets_in_with_the_key_or_the_password(simulator: Simulator) -> None:
    probe = 'if [ "$(id -u)" = "0" ]; then echo "0"; elif [ $(sudo -n /usr/sbin/pvesm apiinfo) ]; then echo "1"; fi'
    assert command(simulator, probe) == (0, "0\n")
    assert command(simulator, probe, client_keys=None, password=simulator.root_password) == (0, "0\n")


@pytest.mark.parametrize("login", [{"username": "admin"}, {"client_keys": None, "password": "guess"}])
def test_others_do_not(simulator: Simulator, login: dict[str, Any]) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        command(simulator, "true", **login)


def test_a_snippet_written_by_tee_is_a_volume(api: Api, simulator: Simulator) -> None:
    code, _ = command(
        simulator, f"{PRELUDE}try_sudo /usr/bin/tee /var/lib/vz/snippets/user data.yaml", "#cloud-config\n"
    )
    assert code == 0
    volume = api.get("/nodes/pve/storage/local/content", content="snippets")[0]
    assert (volume["volid"], volume["size"], volume["format"]) == ("local:snippets/user data.yaml", 14, "snippet")
    assert api.get("/nodes/pve2/storage/local/content") == []
    api.done(api.delete("/nodes/pve/storage/local/content/local:snippets%2Fuser data.yaml"))
    assert api.get("/nodes/pve/storage/local/content") == []


@pytest.mark.parametrize("path", ["/no/such/folder/x", "/../../../../escaped-from-a-node"])
def test_tee_writes_only_where_a_node_has_folders(simulator: Simulator, path: str) -> None:
    code, output = command(simulator, f"{PRELUDE}try_sudo /usr/bin/tee {path}", "x")
    assert code == 1
    assert "No such file or directory" in output
    assert not Path("/escaped-from-a-node").exists()


def test_files_come_by_sftp_too(api: Api, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x")

    async def work(connection: asyncssh.SSHClientConnection) -> object:
        async with connection.start_sftp_client() as sftp:
            await sftp.put(str(tmp_path / "a.yaml"), "/var/lib/vz/snippets/a.yaml")
            return (await sftp.stat("/var/lib/vz/snippets/a.yaml")).size

    assert on_node(simulator, work, "pve2") == 1
    assert [v["volid"] for v in api.get("/nodes/pve2/storage/local/content")] == ["local:snippets/a.yaml"]


def test_id_maps_are_replaced(api: Api, simulator: Simulator) -> None:
    api.add_container()
    file = "/etc/pve/lxc/200.conf"
    clear = f"set -e; {PRELUDE}try_sudo sed -i '/^lxc\\.idmap:/d' {file}"
    lines = "lxc.idmap: u 0 100000 65536\nlxc.idmap: g 0 100000 65536"
    for _ in range(2):
        assert command(simulator, f"{clear}; echo '{lines}' | try_sudo tee -a {file} > /dev/null") == (0, "")
    assert api.get("/nodes/pve/lxc/200/config")["lxc"] == [
        ["lxc.idmap", "u 0 100000 65536"],
        ["lxc.idmap", "g 0 100000 65536"],
    ]
    assert command(simulator, clear) == (0, "")
    assert "lxc" not in api.get("/nodes/pve/lxc/200/config")
    assert command(simulator, clear.replace("200", "999"))[0] == 2


def test_an_unknown_command_is_refused_and_listed(simulator: Simulator) -> None:
    assert command(simulator, "rm -rf /") == (127, "bash: line 1: rm: command not found\n")
    assert simulator.unimplemented == ["SSH rm -rf /"]


def test_commands_can_be_added(simulator: Simulator) -> None:
    @with_input
    def execute(command: SshCommand) -> int:
        command.print(f"{command.node} {command.match['vmid']} {command.stdin.decode()}")
        return 3

    simulator.on_command(r"^pct exec (?P<vmid>\d+)", execute)
    assert command(simulator, "pct exec 200 -- cat", "hello", node="pve2") == (3, "pve2 200 hello\n")
