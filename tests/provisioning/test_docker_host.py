"""The script of a Docker host: what it is made of, and on Alpine a run of it with recorded commands."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from homelab.provisioning.docker_host import docker_host_script

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOSZXK0W6ZVyKcbJrzPTJ6rVSfHDkA3EYxLxLSxMZB3A anna's"
SYSTEMS = ("debian-12", "ubuntu-24.04", "alpine-3.22")


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_prints_what_the_runner_listens_for(system: str) -> None:
    text = docker_host_script(system).text

    for line in ("homelab-host-key: ", "homelab-address: ", "homelab-changed: "):
        assert f'echo "{line}' in text


def test_versions_are_exact_where_they_are_given() -> None:
    debian = docker_host_script("debian-12", engine_version="20.10.24+dfsg1-1", compose_version="1.29.2-3").text
    alpine = docker_host_script("alpine-3.22", engine_version="28.3.3-r0", compose_version="2.36.2-r1").text

    assert "\ninstall_engine ca-certificates docker.io=20.10.24+dfsg1-1 iptables iproute2 openssh-server\n" in debian
    assert "\ninstall_compose '=1.29.2-3'\n" in debian
    assert "\ninstall_compose ''\n" in docker_host_script("debian-12").text
    assert "wanted='ca-certificates docker=28.3.3-r0 docker-cli-compose=2.36.2-r1 iptables openssh-server'" in alpine


def test_another_system_is_refused() -> None:
    with pytest.raises(ValueError, match="a Docker host runs Debian, Ubuntu or Alpine, not fedora-42"):
        docker_host_script("fedora-42")


@pytest.mark.system
@pytest.mark.parametrize("system", SYSTEMS)
def test_shellcheck_has_nothing_against_it(system: str, tmp_path: Path) -> None:
    file = tmp_path / "script.sh"
    file.write_text("#!/bin/sh\n" + docker_host_script(system, authorized_keys=[KEY]).text)

    done = subprocess.run(["shellcheck", str(file)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


class Alpine:
    """A folder as an Alpine's root, with programs that write down how they are called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.programs = folder / "programs"
        self.calls = folder / "calls"
        self.programs.mkdir()
        for name in ("etc/apk", "etc/ssh", "etc/docker", "root", "run"):
            (self.root / name).mkdir(parents=True)
        self.write("etc/os-release", "ID=alpine\nVERSION_ID=3.22.1\n")
        self.write("etc/apk/repositories", "https://mirror/alpine/v3.22/main\n#https://mirror/alpine/v3.22/community\n")
        self.write("etc/ssh/sshd_config", "PasswordAuthentication yes\n")
        self.program("apk", 'case $* in "info "*) test -e $ROOT/installed ;; *) touch $ROOT/installed ;; esac')
        self.program(
            "rc-update", 'case $* in *show*) cat $ROOT/services 2>/dev/null ;; *) echo "$3 |" >>$ROOT/services ;; esac'
        )
        self.program("rc-service", "case $* in *status) test -e $ROOT/$2 ;; *) touch $ROOT/$2 ;; esac")
        self.program(
            "ssh-keygen",
            "key=$ROOT/etc/ssh/ssh_host_ed25519_key; touch $key; echo ssh-ed25519 AAAAkey x >$key.pub",
        )
        self.program(
            "sshd", 'case $* in -T) printf "passwordauthentication no\\nkbdinteractiveauthentication no\\n" ;; esac'
        )
        self.program("docker", 'case $* in "info --format"*) echo overlay2 ;; esac')
        self.program("ip", 'echo "2: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0"')

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def program(self, name: str, text: str) -> None:
        file = self.programs / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>$CALLS\n{text}\n')
        file.chmod(0o755)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Runs a script in which absolute paths are below the root."""
        text = text.replace("/usr/sbin/sshd", "sshd")
        text = re.sub(r"(?<!\w)/(?=(?:etc|root|run)/)", f"{self.root}/", text)
        self.calls.write_text("")
        environ = {"PATH": f"{self.programs}:{os.defpath}", "ROOT": str(self.root), "CALLS": str(self.calls)}
        return subprocess.run(
            ["/bin/sh", "-s"],
            input=text,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )


def test_on_alpine_it_installs_and_starts_what_is_missing_and_nothing_the_second_time(tmp_path: Path) -> None:
    alpine = Alpine(tmp_path)
    text = docker_host_script("alpine-3.22", authorized_keys=[KEY]).text

    first = alpine.run(text)
    assert first.returncode == 0, first.stderr
    calls = alpine.calls.read_text().splitlines()
    packages = "ca-certificates docker docker-cli-compose iptables openssh-server"
    assert f"apk add --quiet --update-cache {packages}" in calls
    assert "rc-update --quiet add docker default" in calls
    assert "rc-service --quiet sshd start" in calls
    assert "homelab-host-key: ssh-ed25519 AAAAkey\nhomelab-address: 192.0.2.7\nhomelab-changed: yes\n" in first.stdout
    assert (alpine.root / "root/.ssh/authorized_keys").read_text() == f"{KEY}\n"
    repositories = (alpine.root / "etc/apk/repositories").read_text().splitlines()
    assert repositories[-1] == "https://mirror/alpine/v3.22/community"
    assert (alpine.root / "etc/ssh/sshd_config").read_text().startswith("Include ")

    second = alpine.run(text)
    assert second.returncode == 0, second.stderr
    assert second.stdout.endswith("homelab-changed: no\n")
    assert not [call for call in alpine.calls.read_text().splitlines() if "apk add" in call or "start" in call]


def test_a_host_that_nobody_could_log_in_to_is_refused(tmp_path: Path) -> None:
    done = Alpine(tmp_path).run(docker_host_script("alpine-3.22").text)

    assert done.returncode == 1
    assert "root has no authorized key, so nobody could log in: set ssh_keys" in done.stderr


def test_another_system_than_the_file_says_is_told(tmp_path: Path) -> None:
    done = Alpine(tmp_path).run(docker_host_script("debian-12").text)

    assert done.returncode == 1
    assert "this is alpine, and the container was to be debian: correct its os" in done.stderr


def test_a_password_that_would_still_do_is_refused(tmp_path: Path) -> None:
    alpine = Alpine(tmp_path)
    alpine.program("sshd", 'case $* in -T) echo "passwordauthentication yes" ;; esac')

    done = alpine.run(docker_host_script("alpine-3.22", authorized_keys=[KEY]).text)
    assert done.returncode == 1
    assert "sshd would still let in with a password" in done.stderr
