"""What deploying and destroying begin with: the environment, its stacks, Terraform, Proxmox, and where to print."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from homelab.config.environment import Environment
from homelab.config.expansion import expand
from homelab.config.image_lock import default_lock_path, read_image_lock
from homelab.config.loading import load_environments
from homelab.config.privileges import required_privileges
from homelab.config.problems import render
from homelab.config.selection import environment_files
from operations.deployment.display import Display
from operations.deployment.policy import Policy, allow_list_in
from operations.deployment.synthesis import Orphan, orphans, synthesize
from operations.deployment.tools import JOBS, Tools
from operations.diagnosis.diagnosis import Surroundings
from operations.preflight.preflight import Check, Preflight, Status
from operations.provider_mirror import terraform_environment, terraform_program
from operations.proxmox_api import Credentials, ProxmoxApi
from operations.redaction import secrets_in
from operations.terraform.process import Processes
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform


@dataclass(frozen=True)
class Settings:
    """How a session is to be run.

    Attributes:
        file: the environment file.
        root: the project, where ``main.py`` is.
        environ: the environment variables.
        output: where stacks are synthesized; ``cdktf.out`` of the project when None. Local states are beside it.
        jobs: how many stacks are worked on at once.
        parallelism: how many resources of one stack are; Terraform's own 10 when None.
        verbose: show the original text of errors too.
        allow: the allow-list; `allowed-changes.yaml` of the project when None.
    """

    file: Path
    root: Path
    environ: Mapping[str, str] = field(repr=False)
    output: Path | None = None
    jobs: int = JOBS
    parallelism: int | None = None
    verbose: bool = False
    allow: Path | None = None


class Session:
    """One command's view of one environment; made by `open_session`."""

    def __init__(
        self, settings: Settings, environment: Environment, processes: Processes, console: Console, progress: Console
    ) -> None:
        self.settings = settings
        self.environment = environment
        self.processes = processes
        self.console = console
        self.progress = progress
        self.output = (settings.output or settings.root / "cdktf.out").resolve()
        self.stacks: list[Stack] = []
        self.orphans: list[Orphan] = []
        self.api: ProxmoxApi | None = None
        self.workspace = Path()
        self.policy = Policy(
            allow_list_in(settings.root, settings.allow),
            secrets_in(settings.environ),
            *([str(settings.allow)] if settings.allow else []),
        )
        # Hooks are Python programs of the project and run with the one that has its packages.
        environ = {"HOMELAB_PYTHON": sys.executable, **terraform_environment(settings.environ)}
        self._terraform = Terraform(terraform_program(), environ, processes, parallelism=settings.parallelism)

    def synthesize(self) -> None:
        """Makes the stacks anew.

        Raises:
            SynthesisError: the app did not synthesize.
        """
        self.stacks = synthesize(
            self.settings.file,
            root=self.settings.root,
            output=self.output,
            environ=self.settings.environ,
            processes=self.processes,
        )
        others = [path.stem for path in environment_files(self.settings.root)]
        self.orphans = orphans(self.stacks, self.environment.name, others)

    @property
    def surroundings(self) -> Surroundings:
        """What diagnoses may name."""
        return Surroundings(
            environment=self.environment.name,
            endpoint=self.environment.proxmox.endpoint,
            file=str(self.settings.file),
            stacks={stack.name: stack for stack in self.stacks},
            key_paths=key_paths(self.environment),
            privileges=required_privileges(self.environment),
            terraform=Path(self._terraform.program).name,
            secrets=secrets_in(self.settings.environ),
        )

    @property
    def tools(self) -> Tools:
        """What a deployment works with."""
        return Tools(
            terraform=self._terraform,
            display=Display(self.progress, prefix=f"{self.environment.name}-"),
            console=self.console,
            surroundings=self.surroundings,
            workspace=self.workspace,
            policy=self.policy,
            root=self.settings.root,
            api=self.api,
            jobs=self.settings.jobs,
        )

    def preflight(self, stacks: Sequence[Stack] = ()) -> list[Check]:
        """What is not as it should be on this machine and on the way to the node.

        Args:
            stacks: what is to be deployed: they say which providers are needed, and whether SSH is.
        """
        checks = Preflight(self.settings.environ, self.environment, self.surroundings)
        providers = sorted({name for stack in stacks for name in stack.providers})
        found = checks.run(programs=False, providers=providers, ssh=any(stack.runs_scripts for stack in stacks))
        return [check for check in found if check.status is not Status.OK]

    def connect(self, cleanup: ExitStack) -> None:
        """Opens the connection to Proxmox."""
        proxmox = self.environment.proxmox
        self.api = cleanup.enter_context(
            ProxmoxApi(
                proxmox.endpoint,
                Credentials.from_environment(self.settings.environ),
                self.settings.environ,
                insecure=proxmox.insecure,
            )
        )


@contextmanager
def open_session(settings: Settings, console: Console, progress: Console) -> Iterator[Session]:
    """Loads the environment, and passes Ctrl-C on to what runs until the context is left.

    Raises:
        InvalidEnvironment: the file has errors.
        ImageLockError: the lock file has.
        ProviderMirrorError: Terraform is missing.
        ReviewError: the allow-list can't be read.
    """
    image_lock = read_image_lock(default_lock_path(settings.root))
    loaded = load_environments([settings.file], image_lock)
    for warning in loaded.warnings:
        progress.print(render(warning), style="yellow", soft_wrap=True, markup=False, highlight=False)
    processes = Processes(lambda count, running: _explain_interrupt(progress, count, running))
    session = Session(settings, loaded.environments[0], processes, console, progress)
    with ExitStack() as cleanup:
        # Saved plans hold everything that Terraform knows: mkdtemp makes the folder for this user alone.
        session.workspace = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="homelab-plans-")))
        cleanup.enter_context(processes.passing_signals())
        session.synthesize()
        session.connect(cleanup)
        yield session


def _explain_interrupt(console: Console, count: int, running: Sequence[int]) -> None:
    if count == 1:
        what = "Terraform finishes what it is doing and saves its state" if running else "nothing more is begun"
        console.print(f"\nStopping: {what}. This can take a minute.", style="yellow", highlight=False)
        return
    console.print(
        (
            "\nStill stopping. A second signal would make Terraform give up without saving what it has "
            "made, so it is not passed on."
        ),
        style="yellow",
        highlight=False,
        soft_wrap=True,
    )
    if running:
        console.print(
            f"If it hangs for good: kill -INT {' '.join(map(str, running))}",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )


def key_paths(environment: Environment) -> dict[str, str]:
    """Where the environment file defines each construct: ``vms.web`` for ``web-1``."""
    found = {key: f"templates.{key}" for key in environment.templates}
    for guest in expand(environment):
        found[guest.key] = ".".join(str(part) for part in guest.path)
    found |= {f"pool-{pool.replace('/', '-')}": f"pools.{pool}" for pool in environment.pools}
    return found | {"firewall": "firewall"}


def failed(checks: Iterable[Check]) -> bool:
    """Whether any of ``checks`` keeps a deployment from beginning."""
    return any(check.status is Status.FAILED for check in checks)
