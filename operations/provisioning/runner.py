"""From an order to an exit code: connect, wait for the guest, run the script once, keep what it says."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from operations.provisioning.failure import NotReached, ProvisioningError
from operations.provisioning.known_hosts import announced_address, host_key, remember
from operations.provisioning.log_file import LogFile
from operations.provisioning.order import Order, assignments
from operations.provisioning.secret_store import SecretStore
from operations.provisioning.session import Expired, Session
from operations.provisioning.ssh import FAILED, Client, last_line
from operations.redaction import without_secrets

TIMED_OUT = 124
INTERRUPTED = 130
COMMAND_NOT_FOUND = 127
_AGAIN = "run the same command again: a script may run as often as you like, and does what is still to be done"


class Interrupted(BaseException):
    """Somebody asked to stop. Not an error that anything in between may handle."""


@dataclass(frozen=True)
class Patience:
    """How long is waited for what.

    Attributes:
        connect_seconds: for the node to be reached; one that reboots takes minutes.
        running_seconds: for the container to run, once the node has answered.
        answer_seconds: for a shell to begin after the connection was asked for.
        pause_seconds: between two tries.
    """

    connect_seconds: float = 240
    running_seconds: float = 120
    answer_seconds: float = 60
    pause_seconds: float = 2


@dataclass
class _Said:
    """What the script has said that means something."""

    keys: list[str] = field(default_factory=list)
    address: str | None = None
    changed: bool | None = None

    def listen(self, line: str) -> None:
        if key := host_key(line):
            self.keys.append(key)
        elif address := announced_address(line):
            self.address = address
        elif line.startswith("homelab-changed: "):
            self.changed = line == "homelab-changed: yes" or bool(self.changed)


@dataclass(frozen=True)
class Runner:
    """Runs one order."""

    order: Order
    client: Client
    environ: Mapping[str, str] = field(repr=False)
    patience: Patience = Patience()

    def run(self) -> int:
        """Runs the script and returns its exit code, or 1, 124 (time over) or 130 (interrupted) where it has none.

        Everything is in the log; what ended it is on standard error too.
        """
        order = self.order
        with ExitStack() as stack:
            try:
                values = self._secrets()
                log = stack.enter_context(LogFile(order.log_file, [*values.values(), self.client.private_key]))
            except ProvisioningError as error:
                print(_text(f"script {order.script} in {order.target} failed: {error}", error.fix), file=sys.stderr)
                return 1
            log.begin(f"script {order.script} in {order.target}, stack {order.stack}")
            log.note(f"homelab: {order.target}: script {order.script}; log: {order.log_file}")
            try:
                with _interruptible():
                    code = self._run(values, log)
            except Interrupted:
                return self._failed(log, INTERRUPTED, ProvisioningError("interrupted; the script was stopped", _AGAIN))
            except ProvisioningError as error:
                return self._failed(log, 1, error)
            if code == 0:
                return 0
            code = code if code > 0 else 1
            return self._failed(log, code, ProvisioningError(f"it ended with exit code {code}", _AGAIN))

    def _failed(self, log: LogFile, code: int, error: ProvisioningError) -> int:
        order = self.order
        code = TIMED_OUT if isinstance(error, _TimeOver) else code
        lines = ["", "its last lines:", *(f"  {line}" for line in log.last[-10:] if line)] if log.last else []
        said = "\n".join([f"script {order.script} in {order.target} failed: {error}", *lines])
        print(log.failure(_text(said, (*error.fix, f"the whole output is in {order.log_file}"))), file=sys.stderr)
        return code

    def _secrets(self) -> dict[str, str]:
        order = self.order
        store = SecretStore(order.secrets_file)
        given = order.given(self.environ)
        return {
            secret.variable: store.get_or_create(secret) if secret.name else given[secret.variable]
            for secret in order.secrets
        }

    def _run(self, values: Mapping[str, str], log: LogFile) -> int:
        order, said = self.order, _Said()
        with ExitStack() as stack:
            session = self._session(stack, log)
            session.start(assignments(values) + order.text)
            try:
                for line in session.output(order.timeout_seconds):
                    said.listen(line)
                    log.line(line)
            except Expired:
                self._stop(session, log)
                raise _TimeOver(
                    f"it was stopped after {order.timeout_seconds} seconds",
                    "see in the log what it waited for",
                    _AGAIN,
                ) from None
            except Interrupted:
                self._stop(session, log)
                raise
            code = session.exit_code
            client_code, errors = session.close(), session.errors
            if code is None:
                raise self._lost(client_code, errors)
        if code == 0:
            self._remember(said, log)
            result = {True: "changed something", False: "nothing to change", None: "done"}[said.changed]
            log.note(f"homelab: {order.target}: script {order.script}: {result}")
        return code

    def _stop(self, session: Session, log: LogFile) -> None:
        with _uninterruptible():
            for line in session.hang_up():
                log.line(line)

    def _session(self, stack: ExitStack, log: LogFile) -> Session:
        """A shell that is ready; tries again for as long as nothing was sent and it may help."""
        began = time.monotonic()
        reached: float | None = None
        told = ""
        while True:
            attempt = ExitStack()
            try:
                return self._attempt(stack.enter_context(attempt))
            except NotReached as error:
                attempt.close()
                now = time.monotonic()
                if isinstance(error, _NotRunning) and reached is None:
                    reached = now
                patience = self.patience
                over = (
                    now - reached > patience.running_seconds
                    if isinstance(error, _NotRunning) and reached is not None
                    else now - began > patience.connect_seconds
                )
                if over:
                    raise ProvisioningError(f"{error}; nothing was run", *error.fix, _AGAIN) from None
                if str(error) != told:
                    told = str(error)
                    log.note(f"homelab: {told}; waiting")
                time.sleep(patience.pause_seconds)

    def _attempt(self, stack: ExitStack) -> Session:
        order = self.order
        arguments = stack.enter_context(self.client.command(order.node, order.command))
        try:
            session = stack.enter_context(Session(arguments, without_secrets(self.environ)))
        except FileNotFoundError:
            raise _no_ssh() from None
        try:
            if session.is_ready(self.patience.answer_seconds):
                return session
        except Expired:
            raise NotReached(f"{order.target} does not answer") from None
        raise self._explained(session.close(), session.errors)

    def _explained(self, code: int, errors: str) -> ProvisioningError:
        """Why there is no shell."""
        order = self.order
        if code == FAILED and not self._is_the_guest(errors):
            return self.client.explained(errors, order.node)
        if "sudo:" in errors:
            return ProvisioningError(
                f"user {order.node.user} of node {order.node.name} may not do what root may: {last_line(errors)}",
                f"as root on the node: echo '{order.node.user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/homelab",
                "or log in as root: proxmox.ssh.username in the environment file",
            )
        if "setsid" in errors:
            return ProvisioningError(f"{order.target} has no setsid", "install util-linux there")
        if order.vm_id is None or "pct:" in errors or (code == COMMAND_NOT_FOUND and "pct" in errors):
            return ProvisioningError(
                f"node {order.node.name} ({order.node.host}) has no pct ({last_line(errors)}): it is no Proxmox VE node"
                if order.vm_id
                else f"{order.target} starts no shell: {last_line(errors)}",
                f"correct address and ssh_port of proxmox.nodes.{order.node.name} in the environment file",
            )
        return self._status(errors)

    def _is_the_guest(self, errors: str) -> bool:
        # pct ends with 255 too, like the client: only what pct says names the container.
        return self.order.vm_id is not None and str(self.order.vm_id) in last_line(errors)

    def _status(self, errors: str) -> ProvisioningError:
        order = self.order
        with self.client.command(order.node, order.status_command) as arguments:
            try:
                done = subprocess.run(
                    arguments,
                    env=without_secrets(self.environ),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    check=False,
                    timeout=self.patience.answer_seconds,
                )
            except subprocess.TimeoutExpired:
                return NotReached(f"node {order.node.name} does not answer")
        if done.returncode == FAILED and not self._is_the_guest(done.stderr):
            return self.client.explained(done.stderr, order.node)
        state = done.stdout.strip().removeprefix("status: ")
        if done.returncode != 0:
            return ProvisioningError(
                f"there is no container {order.vm_id} on node {order.node.name}: {last_line(done.stderr)}",
                "apply the stack: Terraform makes it",
            )
        if state == "running":
            return _NotRunning(f"{order.target} runs, and starts no shell: {last_line(errors)}")
        return _NotRunning(
            f"{order.target} is {state}",
            f"start it: pct start {order.vm_id}   (on the node), and set started: true in the environment file",
        )

    def _lost(self, client_code: int, errors: str) -> ProvisioningError:
        order = self.order
        if client_code == FAILED and not self._is_the_guest(errors):
            return ProvisioningError(
                f"the connection to node {order.node.name} was lost while it ran ({last_line(errors) or 'no reason'}); "
                "it is stopped as soon as the other end notices",
                _AGAIN,
            )
        return ProvisioningError(
            f"{order.target} went away while it ran: it was stopped or restarted, or the node was",
            _AGAIN,
        )

    def _remember(self, said: _Said, log: LogFile) -> None:
        if not said.keys:
            return
        address = self.order.address or said.address
        if address is None:
            log.note("homelab: the guest's host key was not kept: nothing says its address (homelab-address: ADDRESS)")
            return
        try:
            remember(self.order.known_hosts_file, address, said.keys)
        except OSError as error:
            raise ProvisioningError(
                f"it went well, but {self.order.known_hosts_file} can't be written: {error.strerror}",
                "make room or mend the permissions of its folder",
                _AGAIN,
            ) from None


class _NotRunning(NotReached):
    """The node answers, the guest does not yet."""


class _TimeOver(ProvisioningError):
    """The script took longer than it may."""


def _no_ssh() -> ProvisioningError:
    return ProvisioningError(
        "there is no program ssh on this machine", "install OpenSSH's client (Debian: apt-get install openssh-client)"
    )


def _text(message: str, fix: tuple[str, ...]) -> str:
    lines = [f"    {'fix:' if index == 0 else '':9} {step}" for index, step in enumerate(fix)]
    return "\n".join([message, *lines])


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


@contextmanager
def _signals(handler: Any) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextmanager
def _interruptible() -> Iterator[None]:
    with _signals(_interrupt):
        yield


@contextmanager
def _uninterruptible() -> Iterator[None]:
    """For what ends the other side: a second Ctrl-C must not leave the script running."""
    with _signals(signal.SIG_IGN):
        yield
