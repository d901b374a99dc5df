"""The scripts of every service as they run: what all of them have before and after their own."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from homelab.config.image_lock import ImageLock
from homelab.config.resolution import resolve
from homelab.config.service_containers import enabled_services
from homelab.provisioning.script import render_script
from homelab.services import scripts
from homelab.services.registry import services
from homelab.services.service import Instance, pinned
from tests.config.test_services import with_services

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl you@laptop"
URL = "https://raw.githubusercontent.com/community-scripts/ProxmoxVE/COMMIT/ct/redis.sh"


def everything() -> Environment:
    return with_services(f"[{', '.join(services())}]", f"defaults: {{ssh_keys: ['{KEY}']}}")


def shellcheck(text: str, folder: Path, *options: str) -> str:
    file = folder / "script.sh"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["shellcheck", "--shell=sh", "--severity=style", *options, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("name", list(services()))
def test_the_same_file_gives_the_same_scripts(name: str) -> None:
    first, second = (scripts.configure_script(everything(), name, instance_of(name)).digest for _ in range(2))
    assert first == second


def instance_of(name: str) -> Instance:
    return enabled_services(everything())[name].instances[0]


def test_keys_follow_the_environment() -> None:
    text = scripts.configure_script(everything(), "redis", instance_of("redis")).text
    assert KEY in text
    assert "passwd -l root" in text
    without = with_services("[redis]")
    assert KEY not in scripts.configure_script(without, "redis", instance_of("redis")).text


def test_the_template_is_sealed_after_its_installation() -> None:
    enabled = enabled_services(everything())["redis"]
    text = scripts.install_script(enabled, pinned(enabled.service, ImageLock.empty())).text
    assert text.rindex("rm -f /etc/ssh/ssh_host_*") > text.rindex("install_packages ")


def test_one_script_neither_ends_nor_changes_the_next(tmp_path: Path) -> None:
    text = scripts._in_turn("cd /\nname=first\nexit 0\n", 'echo "second in ${name:-nothing}"\n')
    done = subprocess.run(["sh", "-s"], input=text, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "second in nothing\n"


def test_a_failure_of_the_first_is_that_of_all() -> None:
    done = subprocess.run(
        ["sh", "-s"], input=scripts._in_turn("exit 3", "echo on"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")


def on_a_node(text: str, folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Runs a script with these programs before those of the system; what they are called with is in ``asked``."""
    for name, body in programs.items():
        file = folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>"{folder}/asked"\n{body}\n', encoding="utf-8")
        file.chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "TMPDIR": str(folder)}
    return subprocess.run(["sh", "-s"], input=text, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("size", "grows"),
    [("8G", True), ("8388608K", True), ("20G", False), ("20480M", False), ("20479M", True), ("1T", False)],
)
def test_a_clone_grows_to_its_size_once(tmp_path: Path, size: str, grows: bool) -> None:
    spec = resolve(with_services("{redis: {disk: 20GiB}}")).containers["service-redis"]
    shown = f'if [ "$1" = config ]; then echo "rootfs: local-lvm:vm-201-disk-0,acl=1,size={size}"; fi'
    done = on_a_node(scripts.grow_script(spec).text, tmp_path, pct=shown)
    assert done.stdout == f"homelab-changed: {'yes' if grows else 'no'}\n", done.stderr
    assert ("pct resize 201 rootfs 20G" in (tmp_path / "asked").read_text(encoding="utf-8")) == grows


def test_a_community_script_that_is_not_there_or_another(tmp_path: Path) -> None:
    text = scripts.community_script(*community()).text
    pct = 'case "$1" in status) echo "status: stopped";; config) echo "hostname: redis-cache-template";; esac'
    missing = on_a_node(
        text, tmp_path, pct=pct, curl="echo 'curl: (22) The requested URL returned error: 404' >&2; exit 22"
    )
    assert missing.returncode == 1
    assert f"can not download template.script.url {URL}: open it from the node, or write another" in missing.stderr
    assert "returned error: 404" in missing.stderr
    written = 'while [ "$1" != --output ]; do shift; done; echo other >"$2"'
    other = on_a_node(text, tmp_path, pct=pct, curl=written, bash="exit 0")
    assert other.returncode == 1
    assert f"{URL} is not what template.script.checksum says, and nothing of it was run" in other.stderr
    assert "found:    sha256:" in other.stderr
    assert "fix:      read what it does now and write its checksum" in other.stderr
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "bash" not in asked.split()
    assert "pct destroy" not in asked, "the template that is there stays"


def test_a_community_script_takes_no_number_of_another_guest(tmp_path: Path) -> None:
    script = b"the script that was meant\n"
    spec, settings, datastore = community()
    settings = settings.model_copy(update={"checksum": f"sha256:{hashlib.sha256(script).hexdigest()}"})
    text = scripts.community_script(spec, settings, datastore).text
    written = f"while [ \"$1\" != --output ]; do shift; done; printf '%s' '{script.decode()}' >\"$2\""

    there = on_a_node(text, tmp_path, pct='test "$1" = status || echo "hostname: another"', curl=written, bash="exit 0")
    assert "VMID 901 is taken by something else than redis-cache-template" in there.stderr
    pvesh = "echo 'VM 901 already exists' >&2; exit 2"
    elsewhere = on_a_node(text, tmp_path, pct='test "$1" != status', curl=written, pvesh=pvesh, bash="exit 0")
    assert "VMID 901 is taken by another guest of the cluster: choose another template.vm_id" in elsewhere.stderr
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "bash" not in asked.split()
    assert "pct destroy" not in asked


@pytest.mark.system
def test_what_all_services_share_is_clean(tmp_path: Path) -> None:
    enabled = everything()
    spec = resolve(enabled).containers["service-redis"]
    texts = [
        scripts._seal(),
        scripts.convert_script(spec).text,
        scripts.grow_script(spec).text,
        scripts._common("prepare.sh.j2", ssh_keys=(KEY,)),
        scripts._common("prepare.sh.j2", ssh_keys=()),
        scripts.community_script(*community()).text,
    ]
    assert [shellcheck(text, tmp_path) for text in texts] == [""] * len(texts)


@pytest.mark.system
@pytest.mark.parametrize("name", list(services()))
def test_the_scripts_of_each_service_are_clean(name: str, tmp_path: Path) -> None:
    replicated = {key: {"replicas": 1} if service.replicated else {} for key, service in services().items()}
    environment = with_services(json.dumps(replicated), f"defaults: {{ssh_keys: ['{KEY}']}}")
    enabled = enabled_services(environment)[name]
    texts = [scripts.install_script(enabled, pinned(enabled.service, ImageLock.empty())).text]
    texts += [scripts.configure_script(environment, name, instance).text for instance in enabled.instances]
    # None of them uses every function of what they all include.
    assert [shellcheck(text, tmp_path, "--exclude=SC2317") for text in texts] == [""] * len(texts)


@pytest.mark.system
def test_the_program_that_the_proxy_keeps_is_clean(tmp_path: Path) -> None:
    text = render_script("homelab.services.nginx_proxy", "certificates.sh.j2", {"domain": "home.arpa"})
    assert shellcheck(text, tmp_path) == ""


def community() -> tuple[Any, Any, str]:
    script = f"{{url: '{URL}', checksum: 'sha256:{'0' * 64}', variables: {{var_os: debian}}}}"
    environment = with_services(f"{{redis: {{template: {{script: {script}}}}}}}")
    spec = resolve(environment).containers["service-redis-template"]
    return spec, environment.services["redis"].template.script, "local"


def test_a_community_script_gets_the_names_that_it_reads() -> None:
    text = scripts.community_script(*community()).text
    for line in (
        "export var_ctid=901",
        "export var_hostname=redis-cache-template",
        "export var_brg=vmbr2",
        "export var_net=dhcp",
        "export var_container_storage=local-hdd",
        "export var_template_storage=local",
        "export var_unprivileged=1",
        "export var_os=debian",
    ):
        assert line in text
    assert text.index('sha256sum "$folder/script"') < text.index("bash ")
