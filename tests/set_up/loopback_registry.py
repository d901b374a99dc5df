"""A Terraform registry on loopback that serves one signed stand-in for hashicorp/random.

`registry/` holds a public key made for this purpose, checksums, and their signature. The archive is made here, byte for
byte the one that was signed; the private key is nowhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from operations.provider_mirror import REGISTRIES, platform_name

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNED = Path(__file__).parent / "registry"
KEY_ID = "6D598DF28508951C"
PROGRAM = b"#!/bin/sh\necho a stand-in for a provider\n"
VERSION = "3.9.0"


def archive(program: bytes = PROGRAM) -> bytes:
    """Returns the provider's archive; with another program it no longer is what was signed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as packed:
        member = zipfile.ZipInfo("terraform-provider-random_v3.9.0_x5", (2020, 1, 1, 0, 0, 0))
        member.external_attr = 0o755 << 16
        packed.writestr(member, program)
    return content.getvalue()


def answers(address: str, program: bytes) -> dict[str, bytes]:
    """Returns what the registry answers to each path."""
    system, architecture = platform_name().split("_")
    file_name = f"terraform-provider-random_{VERSION}_{platform_name()}.zip"
    provider = "/v1/providers/hashicorp/random"
    version = {"version": VERSION, "protocols": ["5.0"], "platforms": [{"os": system, "arch": architecture}]}
    package = {
        "protocols": ["5.0"],
        "os": system,
        "arch": architecture,
        "filename": file_name,
        "download_url": f"{address}/{file_name}",
        "shasums_url": f"{address}/SHA256SUMS",
        "shasums_signature_url": f"{address}/SHA256SUMS.sig",
        "shasum": hashlib.sha256(archive()).hexdigest(),
        "signing_keys": {
            "gpg_public_keys": [{"key_id": KEY_ID, "ascii_armor": (SIGNED / "key.asc").read_text(encoding="utf-8")}]
        },
    }
    return {
        "/.well-known/terraform.json": json.dumps({"providers.v1": "/v1/providers/"}).encode(),
        f"{provider}/versions": json.dumps({"versions": [version]}).encode(),
        f"{provider}/{VERSION}/download/{system}/{architecture}": json.dumps(package).encode(),
        f"/{file_name}": archive(program),
        "/SHA256SUMS": (SIGNED / "SHA256SUMS").read_bytes(),
        "/SHA256SUMS.sig": (SIGNED / "SHA256SUMS.sig").read_bytes(),
    }


@contextmanager
def loopback_registry(program: bytes = PROGRAM) -> Iterator[str]:
    """Serves the registry and yields its address without scheme, for example `127.0.0.1:40001`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = answers(f"http://{self.headers['Host']}", program).get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            """Says nothing: the tests look at what Terraform makes of the answers."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def settings_for(address: str) -> str:
    """Returns a Terraform CLI configuration that looks for the public registries at `address`."""
    services = json.dumps({"providers.v1": f"http://{address}/v1/providers/"}).replace('":', '" =')
    return "".join(f'host "{registry}" {{\n  services = {services}\n}}\n' for registry in REGISTRIES)
