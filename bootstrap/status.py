"""What can be said about an Infisical server and the credentials saved for it, without changing or sending any."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bootstrap.client import Infisical
from bootstrap.compatibility import Release, release_of
from bootstrap.errors import ApiError, BootstrapError, CredentialsError, ExitCode, UnreachableError
from bootstrap.key_backup import BackupReport, BackupState, backup_report
from bootstrap.saved import AdminCredentials, IdentityCredentials, SavedCredentials


class FileState(StrEnum):
    """A file of saved credentials."""

    ABSENT = "absent"
    OK = "ok"
    FAULTY = "faulty"


@dataclass(frozen=True)
class SavedFile:
    """One file of saved credentials; `fault` says what is wrong with a faulty one."""

    name: str
    state: FileState
    fault: str = ""


@dataclass(frozen=True)
class StatusReport:
    """The state of a server. None stands for what could not be found out.

    `exit_code`, `problem` and `next_step` name the first thing that is not as it is when all phases are done.
    """

    domain: str
    reachable: bool
    ready: bool
    initialized: bool | None
    sign_up_open: bool | None
    release: Release | None
    bootstrap_file: SavedFile
    token_file: SavedFile
    exit_code: ExitCode
    problem: str = ""
    next_step: str = ""
    key_backup: BackupReport = field(default_factory=lambda: BackupReport(BackupState.ABSENT))

    def document(self) -> dict[str, object]:
        """The report as `--json` prints it."""
        return {
            "domain": self.domain,
            "reachable": self.reachable,
            "ready": self.ready,
            "initialized": self.initialized,
            "sign_up_open": self.sign_up_open,
            "release": self.release.value if self.release else None,
            "supported": self.release.supported if self.release else None,
            "saved": {
                file.name: {"state": file.state.value, **({"fault": file.fault} if file.fault else {})}
                for file in (self.bootstrap_file, self.token_file)
            },
            "key_backup": self.key_backup.document(),
            "problem": self.problem,
            "next_step": self.next_step,
            "exit_code": int(self.exit_code),
        }


@dataclass
class _Found:
    reachable: bool = False
    ready: bool = False
    initialized: bool | None = None
    sign_up_open: bool | None = None
    release: Release | None = None
    error: BootstrapError | None = None


class Phase(StrEnum):
    """What a report is asked about: all of it is in order only when the last phase is done."""

    ADMIN = "admin"
    IDENTITY = "identity"


def status_of(
    infisical: Infisical,
    saved: SavedCredentials,
    phase: Phase = Phase.IDENTITY,
    *,
    encryption_key: str | None = None,
) -> StatusReport:
    """Looks at the server once and at the saved files; nothing is changed, no credential is sent.

    With the phase `admin`, a machine identity that is not there yet is no problem. `encryption_key` is the key that is
    used now, where it is at hand, to compare the backup with.
    """
    found = _look(infisical)
    (bootstrap_file, admin), (token_file, identity) = _files(saved)
    exit_code, problem, next_step = _verdict(found, (bootstrap_file, token_file), admin, identity, phase)
    return StatusReport(
        domain=infisical.domain,
        reachable=found.reachable,
        ready=found.ready,
        initialized=found.initialized,
        sign_up_open=found.sign_up_open,
        release=found.release,
        bootstrap_file=bootstrap_file,
        token_file=token_file,
        exit_code=exit_code,
        problem=problem,
        next_step=next_step,
        key_backup=backup_report(saved.bootstrap_path.parent, encryption_key),
    )


def _look(infisical: Infisical) -> _Found:
    found = _Found()
    try:
        status = infisical.probe()
        found.reachable = found.ready = True
        found.release = release_of(infisical, status)
        config = infisical.config()
        found.initialized, found.sign_up_open = config.initialized, config.allow_sign_up
    except UnreachableError as error:
        found.reachable = found.reachable or error.connected
        found.error = error
    except BootstrapError as error:
        found.reachable = True
        found.error = error
    return found


def _files(
    saved: SavedCredentials,
) -> tuple[tuple[SavedFile, AdminCredentials | None], tuple[SavedFile, IdentityCredentials | None]]:
    admin: AdminCredentials | None = None
    identity: IdentityCredentials | None = None
    try:
        admin = saved.admin()
        bootstrap_file = _saved_file(saved.bootstrap_path, admin)
    except CredentialsError as error:
        bootstrap_file = SavedFile(saved.bootstrap_path.name, FileState.FAULTY, error.message)
    try:
        identity = saved.identity()
        token_file = _saved_file(saved.token_path, identity)
    except CredentialsError as error:
        token_file = SavedFile(saved.token_path.name, FileState.FAULTY, error.message)
    return (bootstrap_file, admin), (token_file, identity)


def _saved_file(path: Path, credentials: object | None) -> SavedFile:
    return SavedFile(path.name, FileState.ABSENT if credentials is None else FileState.OK)


def _verdict(
    found: _Found,
    files: tuple[SavedFile, SavedFile],
    admin: AdminCredentials | None,
    identity: IdentityCredentials | None,
    phase: Phase,
) -> tuple[ExitCode, str, str]:
    if found.error is not None:
        # A server that answers, but not ready, is to be waited for like one that does not answer.
        not_ready = isinstance(found.error, ApiError) and not found.ready
        code = ExitCode.UNREACHABLE if not_ready else found.error.exit_code
        return code, found.error.message, found.error.next_step
    admin_command, identity_command = "run: python -m bootstrap admin", "run: python -m bootstrap identity"
    release = found.release.value if found.release else "unknown"
    fault = next((file.fault for file in files if file.fault), "")
    no_identity = identity is None and phase is Phase.IDENTITY
    nothing_saved = admin is None and identity is None
    checks = (
        (
            not (found.release and found.release.supported),
            ExitCode.UNSUPPORTED,
            f"Infisical is {release}",
            "upgrade it",
        ),
        (not found.initialized, ExitCode.NOT_INITIALIZED, "the instance has no administrator yet", admin_command),
        (bool(fault), ExitCode.CREDENTIALS, fault, "see to the file, then run again"),
        (
            nothing_saved,
            ExitCode.NOT_OURS,
            "the instance is set up, and nothing saved here shows that it was by us",
            f"{admin_command} (with the administrator's email and password)",
        ),
        (
            no_identity,
            ExitCode.CREDENTIALS,
            "no machine identity is saved yet",
            identity_command,
        ),
        (bool(found.sign_up_open), ExitCode.FAILED, "anybody can sign up", admin_command),
    )
    return next(((code, problem, step) for wrong, code, problem, step in checks if wrong), (ExitCode.OK, "", ""))
