"""One real LXC container: an own layer over the shared root file system, started and stopped with Debian's LXC."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.real_guests.network import command
from tests.real_guests.root_file_system import FIRST_ID, root_file_system, shift

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LXC_START = "/usr/bin/lxc-start"
BOOT_SECONDS = 60
STOP_SECONDS = 30
# Everything is allowed inside, so that Docker can run containers there; the limit on files is below this machine's.
_PRIVILEGED = """lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/nesting.conf
lxc.cgroup.devices.allow = a
lxc.cgroup2.devices.allow = a
lxc.cap.drop =
lxc.mount.auto =
lxc.mount.auto = cgroup:rw proc:rw sys:rw
"""
_UNPRIVILEGED = f"""lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/userns.conf
lxc.include = /usr/share/lxc/config/nesting.conf
lxc.idmap = u 0 {FIRST_ID} 65536
lxc.idmap = g 0 {FIRST_ID} 65536
"""
_ALL = """lxc.apparmor.profile = unconfined
lxc.prlimit.nofile = 20000
lxc.tty.max = 0
lxc.signal.halt = SIGRTMIN+3
"""


@dataclass(frozen=True)
class Interface:
    """An interface of a guest: ``address`` with its prefix length."""

    name: str
    bridge: str
    address: str | None = None
    gateway: str | None = None
    mac: str | None = None


@dataclass
class Container:
    """A container in a folder of its own.

    Attributes:
        folder: holds everything of it; its name is the container's.
        unprivileged: its root is an ordinary user of this machine.
    """

    folder: Path
    unprivileged: bool = False

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def layer(self) -> Path:
        """What differs from the shared root file system."""
        return self.folder / "layer"

    @property
    def root(self) -> Path:
        """Its file system; there only while it runs."""
        return self.folder / "root"

    def create(self, *, authorized_keys: str = "") -> None:
        """Makes it, empty but for root's authorized keys."""
        for name in ("layer", "work", "root", "docker"):
            (self.folder / name).mkdir(parents=True)
        if self.unprivileged:
            shift(self.layer)
            shift(self.folder / "docker")
        self.write("/etc/resolv.conf", Path("/etc/resolv.conf").read_text())
        if authorized_keys:
            self.write("/root/.ssh/authorized_keys", authorized_keys.rstrip("\n") + "\n", mode=0o600)
            for folder in ("root", "root/.ssh"):
                (self.layer / folder).chmod(0o700)

    def copy_of(self, source: Container) -> None:
        """Makes it a copy of another that does not run."""
        self.folder.mkdir(parents=True)
        for name in ("layer", "docker"):
            # With the marks of what is deleted, which are devices and attributes.
            command("cp", "-a", str(source.folder / name), str(self.folder / name))
        for name in ("work", "root"):
            (self.folder / name).mkdir()

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Writes a file of a container that does not run."""
        file = self.layer / path.lstrip("/")
        missing = [folder for folder in file.parents if not folder.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(mode)
        for made in [*missing, file] if self.unprivileged else []:
            shift(made)

    def start(self, hostname: str, interfaces: list[Interface]) -> None:
        """Starts it; its services start on after that."""
        self.write("/etc/hostname", f"{hostname}\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n")
        self._mount()
        lines = [
            _UNPRIVILEGED if self.unprivileged else _PRIVILEGED,
            _ALL,
            f"lxc.uts.name = {hostname}",
            f"lxc.rootfs.path = dir:{self.root}",
            # Docker keeps images as layers itself, and one stack of layers can't be on another.
            f"lxc.mount.entry = {self.folder}/docker var/lib/docker none bind,create=dir 0 0",
        ]
        for index, interface in enumerate(interfaces):
            lines += _network(index, interface)
        (self.folder / "config").write_text("\n".join(lines) + "\n")
        log = self.folder / "lxc.log"
        log.unlink(missing_ok=True)
        done = subprocess.run(
            [LXC_START, *self._which(), "--daemon", "--logfile", str(log), "--logpriority", "WARN"],
            # Root may map users as it likes; newuidmap, if it were found, would ask /etc/subuid.
            env={"PATH": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            self._unmount()
            raise RuntimeError(f"{self.name} does not start: {done.stderr}{log.read_text() if log.exists() else ''}")

    def wait_until_booted(self) -> None:
        """Waits until all its services have started."""
        deadline = time.monotonic() + BOOT_SECONDS
        state = ""
        while time.monotonic() < deadline:
            state = self.run(["systemctl", "is-system-running"]).stdout.strip()
            if state in ("running", "degraded"):
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} has not booted after {BOOT_SECONDS} seconds: {state}")

    def stop(self, *, clean: bool = True) -> None:
        """Stops it; a clean stop is the guest's own shutdown. Nothing happens where it does not run."""
        how = ["--timeout", str(STOP_SECONDS)] if clean else ["--kill"]
        subprocess.run(["lxc-stop", *self._which(), *how], capture_output=True, check=False)
        self._unmount()

    def destroy(self) -> None:
        """Stops it and removes everything of it."""
        self.stop(clean=False)
        shutil.rmtree(self.folder)

    @property
    def is_running(self) -> bool:
        done = subprocess.run(
            ["lxc-info", *self._which(), "--state", "--no-humanize"], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() == "RUNNING"

    def attach(self, *words: str) -> list[str]:
        """The command that runs ``words`` inside as root, as ``pct exec`` does."""
        environment = ["--clear-env", "--set-var", f"PATH={PATH}", "--set-var", "HOME=/root"]
        return ["lxc-attach", *self._which(), *environment, "--", *words]

    def run(self, words: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a program inside."""
        return subprocess.run(
            self.attach(*words), input=stdin, capture_output=True, text=True, check=False, start_new_session=True
        )

    def _which(self) -> list[str]:
        return ["--lxcpath", str(self.folder.parent), "--name", self.name]

    def _mount(self) -> None:
        lower = root_file_system(unprivileged=self.unprivileged)
        options = f"lowerdir={lower},upperdir={self.layer},workdir={self.folder / 'work'}"
        command("mount", "-t", "overlay", "overlay", "-o", options, str(self.root))

    def _unmount(self) -> None:
        if self.root.is_mount():
            command("umount", str(self.root))


def _network(index: int, interface: Interface) -> list[str]:
    found: Mapping[str, str | None] = {
        "type": "veth",
        "flags": "up",
        "link": interface.bridge,
        "name": interface.name,
        "hwaddr": interface.mac,
        "ipv4.address": interface.address,
        "ipv4.gateway": interface.gateway,
    }
    return [f"lxc.net.{index}.{key} = {value}" for key, value in found.items() if value is not None]
