"""The scripts of every service as they run: what all of them have before and after their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from homelab.config.image_lock import ImageLock
from homelab.config.resolution import resolve
from homelab.config.service_containers import enabled_services
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
    assert text.index("sha256sum --check") < text.index("bash ")
