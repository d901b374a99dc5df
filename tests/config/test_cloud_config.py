"""The cloud-init documents: what they say, and that cloud-init itself has nothing against them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from homelab.config.cloud_config import HEADER, user_data, vendor_data
from homelab.config.virtual_machine import TemplateSettings


def template(**settings: Any) -> TemplateSettings:
    return TemplateSettings.model_validate({"vm_id": 9000, **settings})


def document(**settings: Any) -> Any:
    text = vendor_data(template(**settings))
    assert text is not None
    assert text.startswith(HEADER)
    return yaml.safe_load(text)


def test_the_agent_is_installed_and_started() -> None:
    found = document()

    assert found["package_update"] is True
    assert found["packages"] == ["qemu-guest-agent"]
    assert len(found["runcmd"]) == 1


def test_packages_come_after_the_agent_and_commands_after_its_start() -> None:
    found = document(packages=["vim", "htop"], run_commands=["touch /ready"])

    assert found["packages"] == ["qemu-guest-agent", "vim", "htop"]
    assert found["runcmd"][1:] == ["touch /ready"]


def test_commands_alone_install_nothing() -> None:
    assert document(guest_agent=False, run_commands=["true"]) == {"runcmd": ["true"]}


def test_packages_alone_run_nothing() -> None:
    assert document(guest_agent=False, packages=["vim"]) == {"package_update": True, "packages": ["vim"]}


def test_where_there_is_nothing_to_say_nothing_is_said() -> None:
    assert vendor_data(template(guest_agent=False)) is None


def test_own_vendor_data_are_taken_as_they_are() -> None:
    text = "#cloud-config\n# mine\npackages: [vim]\n"

    assert vendor_data(template(vendor_data=text, packages=["htop"])) == text


@pytest.mark.parametrize(
    ("programs", "called"),
    [
        (["systemctl"], ["systemctl enable --now qemu-guest-agent"]),
        (["rc-update", "rc-service"], ["rc-update add qemu-guest-agent", "rc-service qemu-guest-agent start"]),
    ],
    ids=["systemd", "OpenRC"],
)
def test_the_agent_is_started_by_what_the_system_has(programs: list[str], called: list[str], tmp_path: Path) -> None:
    log = tmp_path / "called"
    for program in programs:
        (tmp_path / program).write_text(f'#!/bin/sh\necho "{program} $*" >>{log}\n')
        (tmp_path / program).chmod(0o755)

    done = subprocess.run(["/bin/sh", "-c", document()["runcmd"][0]], env={"PATH": str(tmp_path)}, check=False)

    assert done.returncode == 0
    assert log.read_text().splitlines() == called


def test_user_data_get_the_host_name_first() -> None:
    found = user_data("#cloud-config\npackages: [vim]\n", "web")

    assert found.startswith("#cloud-config\nhostname: web\n")
    assert yaml.safe_load(found) == {"hostname": "web", "packages": ["vim"]}


def test_user_data_with_a_host_name_keep_it_and_every_letter() -> None:
    text = "#cloud-config\n# mine\nhostname: other\n"

    assert user_data(text, "web") == text


def test_empty_user_data_are_a_host_name() -> None:
    assert yaml.safe_load(user_data("#cloud-config\n", "web")) == {"hostname": "web"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#cloud-config\npackages: [vim\n", "the cloud-init data is not YAML in its line 3"),
        ("#cloud-config\n- vim\n", "cloud-init data is a map"),
        ("packages: [vim]\n", "this is not cloud-init data"),
    ],
)
def test_what_is_no_cloud_config_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        template(vendor_data=text)


DOCUMENTS = {
    "agent": vendor_data(template()),
    "packages and commands": vendor_data(template(packages=["vim"], run_commands=["touch /ready", "echo 'a: b'"])),
    "commands": vendor_data(template(guest_agent=False, run_commands=["true"])),
    "user data": user_data("#cloud-config\nusers: [default]\nwrite_files: [{path: /a, content: b}]\n", "web"),
    "host name": user_data("#cloud-config\n", "web"),
}


def judged(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "document.yaml"
    file.write_text(text)
    return subprocess.run(
        ["cloud-init", "schema", "--config-file", str(file)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.system
@pytest.mark.parametrize("name", DOCUMENTS)
def test_cloud_init_takes_it(name: str, tmp_path: Path) -> None:
    done = judged(DOCUMENTS[name] or "", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid" in done.stdout


@pytest.mark.system
def test_cloud_init_would_refuse_a_wrong_one(tmp_path: Path) -> None:
    assert judged("#cloud-config\npackages: vim\nruncmd: {a: b}\n", tmp_path).returncode != 0
