"""What the real provider makes of things that go wrong: a clear message, and a state the next apply repairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import Simulator, SimulatorOptions
from tests.end_to_end.simulator.terraform_runs import Workspace, schema_problems

pytestmark = pytest.mark.end_to_end

MODULE = """
resource "proxmox_download_file" "template" {
  content_type = "vztmpl"
  datastore_id = "local"
  node_name    = "pve"
  url          = "https://images.example.org/debian-12-standard_12.7-1_amd64.tar.zst"
}

resource "proxmox_virtual_environment_container" "dns" {
  node_name    = "pve"
  vm_id        = 200
  unprivileged = true
  operating_system {
    template_file_id = proxmox_download_file.template.id
    type             = "debian"
  }
  disk {
    datastore_id = "local-lvm"
    size         = 4
  }
  network_interface {
    name   = "eth0"
    bridge = "vmbr0"
  }
  initialization {
    hostname = "dns"
    ip_config {
      ipv4 {
        address = "192.168.3.53/24"
        gateway = "192.168.3.1"
      }
    }
  }
}
"""


def one_line(text: str) -> str:
    """Terraform's output without its line breaks."""
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(SimulatorOptions(task_seconds=0, address_seconds=0), request_hook=schema_problems) as running:
        yield running
        assert running.violations == []


@pytest.fixture
def workspace(simulator: Simulator, tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path, simulator)
    made.write(MODULE)
    return made


def test_a_failed_task_is_told_and_the_next_apply_repairs_it(simulator: Simulator, workspace: Workspace) -> None:
    simulator.faults.fail_task("vzcreate", "unable to create CT 200 - no space left on device")
    assert "no space left on device" in one_line(workspace.apply_failing(MODULE))
    assert simulator.guests() == {}
    workspace.apply()
    assert workspace.changes() == {}
    assert simulator.guests()[200].running


def test_a_container_that_does_not_start_is_repaired(simulator: Simulator, workspace: Workspace) -> None:
    wrong = MODULE.replace("vmbr0", "vmbr7")
    assert "bridge 'vmbr7' does not exist" in one_line(workspace.apply_failing(wrong))
    workspace.apply(MODULE)
    assert workspace.changes() == {}
    assert list(simulator.guests()) == [200]
    assert simulator.guests()[200].running


def test_a_guest_under_backup_is_not_destroyed(simulator: Simulator, workspace: Workspace) -> None:
    workspace.apply()
    simulator.lock_guest(200, "backup")
    output = one_line(workspace.run("destroy", "-auto-approve", "-input=false", fails=True))
    assert "CT is locked (backup)" in output
    assert 200 in simulator.guests()
    simulator.unlock_guest(200)
    workspace.destroy()
    assert simulator.guests() == {}


def test_a_server_error_is_retried(simulator: Simulator, workspace: Workspace) -> None:
    simulator.faults.fail_request("POST", "/nodes/pve/lxc", status=500, message="got timeout", times=1)
    workspace.apply()
    assert list(simulator.guests()) == [200]


def test_a_connection_lost_after_the_change_is_made_good_by_the_next_apply(
    simulator: Simulator, workspace: Workspace
) -> None:
    simulator.faults.drop_connection("POST", "/nodes/pve/lxc", "after")
    assert "failed to perform HTTP POST request" in one_line(workspace.apply_failing(MODULE))
    assert list(simulator.guests()) == [200]
    workspace.apply()
    assert workspace.changes() == {}
    assert "CT 200 already exists on node 'pve'" in str(simulator.refusals)


def test_a_token_without_privileges_is_told_what_it_lacks(simulator: Simulator, workspace: Workspace) -> None:
    simulator.add_user("robot@pve", roles={"/storage": "PVEDatastoreAdmin", "/": "PVEAuditor"})
    workspace.environment["PROXMOX_VE_API_TOKEN"] = simulator.add_token("robot@pve", "t")
    output = one_line(workspace.apply_failing(MODULE))
    assert "403" in output
    assert "Permission check failed" in output
    assert simulator.guests() == {}


def test_a_refused_token_is_told(workspace: Workspace) -> None:
    workspace.environment["PROXMOX_VE_API_TOKEN"] = "root@pam!simulator=00000000-0000-0000-0000-000000000000"
    assert "invalid token value!" in one_line(workspace.apply_failing(MODULE))


def test_an_unknown_authority_is_not_trusted(workspace: Workspace) -> None:
    del workspace.environment["SSL_CERT_FILE"]
    assert "certificate signed by unknown authority" in one_line(workspace.apply_failing(MODULE))


def test_a_wrong_checksum_stops_everything_after_it(tmp_path: Path) -> None:
    url = "https://images.example.org/debian-12-standard_12.7-1_amd64.tar.zst"
    given = MODULE.replace(f'"{url}"', f'"{url}"\n  checksum = "{"0" * 64}"\n  checksum_algorithm = "sha256"')
    with Simulator(task_seconds=0, address_seconds=0, downloads={url: b"the template"}) as simulator:
        workspace = Workspace(tmp_path, simulator)
        assert "checksum mismatch" in one_line(workspace.apply_failing(given))
        assert simulator.guests() == {}
