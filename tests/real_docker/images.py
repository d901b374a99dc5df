"""The images of the secrets platform, built from Debian packages, in the storage of a registry.

PostgreSQL 15 and Redis 7 are real. Infisical is the stand-in server. Names and tags are those of the real images. They
are made once for each state of what goes into them and kept outside the clone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from homelab.config.container_image_reference import parse_container_image_reference
from homelab.config.secrets import SecretsImages
from operations.provider_mirror import cache_folder
from tests.real_docker.engine import REGISTRY, DockerEngine, docker_engine

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent
REFERENCES = SecretsImages().all()
"""The references of the platform's images by name: postgres, redis, infisical."""

_PACKAGES = ("postgresql-15", "redis-server", "python3-aiohttp", "python3-psycopg2", "curl", "gosu")
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
_CLEAN = (
    # The compiler that PostgreSQL uses for long queries only, and a third of all.
    'rm -rf "$1"/usr/lib/*/libLLVM* "$1"/usr/lib/postgresql/15/lib/llvmjit* "$1"/usr/lib/postgresql/15/lib/bitcode',
    'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/lib/postgresql/15',
)
_STAND_IN = ("shapes.py", "stand_in_*.py")
_BASE = "homelab-test-base"
_DOCKERFILES: Mapping[str, str] = {
    "postgres": f"""\
FROM {_BASE}
ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data
COPY postgres_entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
""".replace("/usr/sbin:/usr/bin", "/usr/local/bin:/usr/sbin:/usr/bin"),
    "redis": f"""\
FROM {_BASE}
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY redis_entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
""",
    "infisical": f"""\
FROM {_BASE}
ENV HOST=0.0.0.0 PORT=8080 NODE_ENV=production TELEMETRY_ENABLED=true PYTHONPATH=/app PYTHONUNBUFFERED=1
COPY stand_in /app/tests/bootstrap
WORKDIR /app
USER 1001
EXPOSE 8080
CMD ["python3", "-m", "tests.bootstrap.stand_in_program", "--version", "V0_167"]
""",
}


def registry_storage() -> Path:
    """The storage of a registry with all images, made if it is not there: some minutes the first time."""
    with tempfile.TemporaryDirectory(prefix="hl-images-") as temporary:
        context = Path(temporary) / "context"
        _fill(context)
        folder = cache_folder() / "test-images" / _fingerprint(context)
        with _alone(folder.parent):
            if not folder.is_dir():
                base = _base(folder.parent)
                unfinished = folder.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                with docker_engine(unfinished) as engine:
                    _build(engine, base, context)
                unfinished.rename(folder)
    return folder


def main() -> None:
    """Makes the images where they are missing, so that no test has to wait for it."""
    print("==> Images for the tests with a Docker engine (some minutes the first time)", flush=True)
    registry_storage()


def _fill(context: Path) -> None:
    (context / "stand_in").mkdir(parents=True)
    for pattern in _STAND_IN:
        for file in sorted((PROJECT / "tests" / "bootstrap").glob(pattern)):
            shutil.copy(file, context / "stand_in")
    for name in ("postgres_entrypoint.sh", "redis_entrypoint.sh"):
        shutil.copy(FOLDER / name, context)
    for name, text in _DOCKERFILES.items():
        (context / f"{name}.dockerfile").write_text(text, encoding="utf-8")


def _fingerprint(context: Path) -> str:
    digest = hashlib.sha256(repr((_PACKAGES, _LEFT_OUT, _CLEAN, sorted(REFERENCES.items()))).encode())
    for file in sorted(context.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(context)}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _base(folder: Path) -> Path:
    """A root file system with all programs, as a tar archive."""
    made_of = hashlib.sha256(repr((_PACKAGES, _LEFT_OUT, _CLEAN)).encode()).hexdigest()[:16]
    archive = folder / f"base-{made_of}.tar"
    if archive.is_file():
        return archive
    sources = [
        path for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")) if path.is_file()
    ]
    unfinished = archive.with_name(f"unfinished-{made_of}.tar")
    command = [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(_PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        # This machine's settings of apt, by which it reaches its mirror.
        *(f"--aptopt={path}" for path in sorted(Path("/etc/apt/apt.conf.d").glob("9*"))),
        '--aptopt=Acquire::Retries "5"',
        *(f"--customize-hook={hook}" for hook in _CLEAN),
        "bookworm",
        str(unfinished),
        *map(str, sources),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, f"mmdebstrap:\n{done.stderr[-4000:]}"
    return unfinished.rename(archive)


def _build(engine: DockerEngine, base: Path, context: Path) -> None:
    engine.docker("import", str(base), _BASE)
    for name, reference in REFERENCES.items():
        parsed = parse_container_image_reference(reference)
        pushed = f"{REGISTRY}/{parsed.repository}:{parsed.tag}"
        engine.docker("build", "--file", str(context / f"{name}.dockerfile"), "--tag", pushed, str(context))
        engine.docker("push", pushed)


if __name__ == "__main__":
    main()
