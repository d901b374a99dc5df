"""A service is one folder: what a copy of the project knows of a service after a folder was added, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homelab.services.registry import services

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
NUMBER = max(service.number for service in services().values()) + 2
"""The one before is that of the example in docs/services.md."""
DEFINITION = f'''"""Notes."""

from pydantic import Field

from homelab.provisioning.script import StoredSecret
from homelab.services.service import Service, ServicePort, Size
from homelab.services.settings import ServiceSettings


class MemosSettings(ServiceSettings):
    """Notes."""

    greeting: str = Field("hello", description="What its page says first.")


SERVICE = Service(
    name="our-memos",
    title="Memos",
    description="Short notes of a household.",
    number={NUMBER},
    hostname="memos",
    size=Size(cores=1, memory=512, disk=8),
    settings=MemosSettings,
    ports=(ServicePort(5230, "web", web=True),),
    secrets=lambda context: (StoredSecret("ADMIN_PASSWORD", "our-memos/admin"),),
)
'''
INSTALL = '{% include "shell.sh.j2" %}\ninstall_packages memos\nfinish\n'
CONFIGURE = """{% include "shell.sh.j2" %}
printf '%s\\n' {{ settings.greeting | sh }} "$ADMIN_PASSWORD" | write_file /etc/memos 0600 root:root
wait_for 30 'Memos at {{ context.address }}' answers http://{{ context.address }}:5230
finish
"""
ENVIRONMENT = """
proxmox:
  endpoint: https://pve:8006
  nodes:
    pve:
      cores: 16
      memory: 64GiB
      bridges: [vmbr1, vmbr2]
      datastores:
        local: {content: [vztmpl]}
        local-lvm: {content: [rootdir]}
        local-hdd: {content: [rootdir]}
policy: {unlocked_images: ignore}
networks:
  lan: {bridge: vmbr1, cidr: 192.168.20.0/24, gateway: 192.168.20.1}
  internal: {bridge: vmbr2, cidr: 10.0.30.0/24, gateway: 10.0.30.1}
services:
  our-memos: {greeting: good day, memory: 1GiB}
  mosquitto: {}
  prometheus: {}
  nginx-proxy: {}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the constructs with two more folders, one that of the docs, and a file that names the services."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "constructs", folder / "constructs", ignore=shutil.ignore_patterns("__pycache__"))
    added = folder / "constructs" / "homelab" / "services" / "our_memos"
    added.mkdir()
    (added / "__init__.py").write_text(DEFINITION, encoding="utf-8")
    (added / "install.sh.j2").write_text(INSTALL, encoding="utf-8")
    (added / "configure.sh.j2").write_text(CONFIGURE, encoding="utf-8")
    example = folder / "constructs" / "homelab" / "services" / "mosquitto"
    example.mkdir()
    document = (PROJECT / "docs" / "services.md").read_text(encoding="utf-8").partition("## A service of your own")[2]
    blocks = re.findall(r"```(?:python|sh)\n(.*?)```", document, re.DOTALL)
    for name, text in zip(("__init__.py", "install.sh.j2", "configure.sh.j2"), blocks, strict=False):
        own = re.sub(r"number=\d+", f"number={NUMBER - 1}", text)
        (example / name).write_text(own, encoding="utf-8")
    (folder / "lab.yaml").write_text(ENVIRONMENT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def python(folder: Path) -> Run:
    """Runs Python with the copy in place of the project's own constructs."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "PYTHONPATH": str(folder / "constructs"), "NO_COLOR": "1", **variables}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def homelab(python: Run) -> Run:
    return lambda *arguments: python(str(Path(sys.prefix) / "bin" / "homelab"), *arguments)


def test_files_that_name_it_are_checked(homelab: Run, folder: Path) -> None:
    good = homelab("check", str(folder / "lab.yaml"))
    assert good.returncode == 0, good.stdout + good.stderr
    wrong = folder / "wrong.yaml"
    wrong.write_text(ENVIRONMENT.replace("greeting: good day", "greting: good day"), encoding="utf-8")
    said = homelab("check", str(wrong))
    assert said.returncode == 1
    assert "services.our-memos.greting" in said.stdout + said.stderr
    assert "did you mean greeting?" in said.stdout + said.stderr


def test_the_schema_has_its_settings(homelab: Run) -> None:
    schema = json.loads(homelab("schema", "--print").stdout)
    assert schema["$defs"]["MemosSettings"]["properties"]["greeting"]["description"] == "What its page says first."


def test_it_is_in_every_table(homelab: Run, python: Run, folder: Path) -> None:
    catalogue = homelab("services", "catalogue").stdout.splitlines()
    assert [line.split()[0] for line in catalogue[-2:]] == ["mosquitto", "our-memos"]
    lab = str(folder / "lab.yaml")
    (line,) = [line for line in homelab("services", "table", "-e", lab).stdout.splitlines() if "our-memos" in line]
    address = f"10.0.30.{10 * (NUMBER + 1)}"
    assert [address, "5230/tcp", f"http://{address}:5230"] == line.split()[3:6]
    assert f"nc -vz {address} 5230" in homelab("services", "router", "-e", lab).stdout
    text = "from operations.services.catalogue import *; print(with_current_catalogue(DOCUMENT.read_text()))"
    assert "| our-memos | Short notes of a household. |" in python("-c", text).stdout


def test_its_stack_is_synthesized_and_other_services_know_it(python: Run, folder: Path) -> None:
    out = folder / "cdktf.out"
    done = python("main.py", CDKTF_OUTDIR=str(out), HOMELAB_ENVIRONMENTS=str(folder / "lab.yaml"))
    assert done.returncode == 0, done.stderr

    def scripts(service: str) -> str:
        stack = (out / "stacks" / f"lab-service-{service}" / "cdk.tf.json").read_text(encoding="utf-8")
        resources: dict[str, Any] = json.loads(stack)["resource"]
        assert len(resources["proxmox_virtual_environment_container"]) == 2
        return stack

    assert "install_packages memos" in scripts("our-memos")
    assert "good day" in scripts("our-memos")
    assert "our-memos/admin" in scripts("our-memos")
    assert "mosquitto/user" in scripts("mosquitto")
    address = f"http://10.0.30.{10 * (NUMBER + 1)}:5230"
    assert address in scripts("prometheus")
    assert address in scripts("nginx-proxy")
