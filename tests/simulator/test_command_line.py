"""``python -m simulator``."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from simulator.__main__ import main
from simulator.command_line import parser

PROJECT = Path(__file__).resolve().parents[2]


def test_serve_prints_what_a_client_needs_and_ends_on_a_signal(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    arguments = ["--nodes", "a,b", "--storage", "tank=zfspool", "--environment-file", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "serve", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("export TMPDIR="):
                break
        printed = dict(re.findall(r"export (\w+)='?([^'\n]*)", "".join(lines)))
        context = ssl.create_default_context(cafile=printed["SSL_CERT_FILE"])
        headers = {"Authorization": f"PVEAPIToken={printed['PROXMOX_VE_API_TOKEN']}"}
        url = f"{printed['PROXMOX_VE_ENDPOINT']}api2/json/nodes"
        found = httpx.get(url, headers=headers, verify=context).json()["data"]
        assert [node["node"] for node in found] == ["a", "b"]
        assert oct(file.stat().st_mode)[-3:] == "600"
        assert "PROXMOX_VE_API_TOKEN" in file.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not Path(printed["SSL_CERT_FILE"]).exists()


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "simulator", "serve", "--port", str(port)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["dance"], 2), (["--help"], 0)])
def test_usage(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert "serve" in (err if code else out)


def test_a_malformed_storage_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--storage", "tank"])
    assert "'tank' is not NAME=TYPE[:CONTENT+CONTENT]" in capsys.readouterr().err
