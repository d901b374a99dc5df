"""The command line: ``python -m simulator serve``."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading

from .options import DEFAULT_STORAGES, DIRECTORY_CONTENT, SimulatorOptions, StorageOptions
from .simulator import Simulator


def _storage(text: str) -> StorageOptions:
    name, _, rest = text.partition("=")
    kind, _, content = rest.partition(":")
    if not name or not kind:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not NAME=TYPE[:CONTENT+CONTENT], e.g. tank=zfspool:images+rootdir"
        )
    default = DIRECTORY_CONTENT if kind in ("dir", "nfs", "cifs") else ("images", "rootdir")
    return StorageOptions(name, kind, tuple(content.split("+")) if content else default)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def parser() -> argparse.ArgumentParser:
    """The parser of ``serve``."""
    arguments = argparse.ArgumentParser(
        prog="python -m simulator serve",
        description="Serves a simulated Proxmox VE API over HTTPS, and SSH for its nodes, on loopback.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = arguments.add_argument
    add("--port", type=int, default=0, help="HTTPS port; 0 takes a free one")
    add("--nodes", type=_names, default="pve", metavar="NAME,...", help="names of the nodes")
    add("--bridges", type=_names, default="vmbr0", metavar="NAME,...", help="bridges on every node")
    add(
        "--storage",
        type=_storage,
        action="append",
        metavar="NAME=TYPE[:CONTENT+...]",
        help="a datastore besides local and local-lvm; may be repeated",
    )
    add("--task-seconds", type=float, default=0.2, metavar="SECONDS", help="how long a task runs")
    add("--address-seconds", type=float, default=0.5, metavar="SECONDS", help="until a started guest reports addresses")
    add("--environment-file", metavar="FILE", help="also write the environment variables there (mode 0600)")
    return arguments


def serve(arguments: list[str]) -> int:
    """Serves until it is interrupted or terminated."""
    given = parser().parse_args(arguments)
    options = SimulatorOptions(
        port=given.port,
        nodes=given.nodes,
        bridges=given.bridges,
        storages=(*DEFAULT_STORAGES, *(given.storage or ())),
        task_seconds=given.task_seconds,
        address_seconds=given.address_seconds,
    )
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        simulator = Simulator(options).start()
    except OSError as problem:
        print(
            f"cannot listen on {options.host}:{options.port}: {problem.strerror}. Choose another --port.",
            file=sys.stderr,
        )
        return 1
    try:
        lines = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in simulator.environment().items() if k != "HOME")
        print(f"# Proxmox VE simulator: {simulator.endpoint}  certificate authority: {simulator.ca_file}")
        for node, port in simulator.ssh_ports.items():
            print(f"# SSH of node {node}: {options.host}:{port} (user root)")
        print(lines, end="", flush=True)
        if given.environment_file:
            _write_private(given.environment_file, lines)
        done.wait()
    finally:
        simulator.stop()
    return 0


def _write_private(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
