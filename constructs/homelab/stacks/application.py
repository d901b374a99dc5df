"""The cdktf app: every stack of every environment, and which has to be applied before which."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

from cdktf import App, TerraformStack

from homelab.config.platform_containers import container_called
from homelab.config.resolution import ResolvedEnvironment
from homelab.config.secrets import GROUP as SECRETS_HOST
from homelab.config.state import S3State
from homelab.stacks import cluster, ha, templates
from homelab.stacks.access import AccessStack
from homelab.stacks.cluster import ClusterStack
from homelab.stacks.guests import GuestsStack
from homelab.stacks.ha import HaStack
from homelab.stacks.sdn import SdnStack
from homelab.stacks.services import service_stacks
from homelab.stacks.templates import TemplatesStack


def build_app(environments: Iterable[ResolvedEnvironment], *, outdir: Path | str | None = None) -> App:
    """The app with the stacks of ``environments``; ``outdir`` is ``cdktf.out`` in the current folder when None."""
    out = Path(outdir or "cdktf.out")
    # cdktf makes the folder but not the ones above it.
    out.parent.mkdir(parents=True, exist_ok=True)
    # `cdktf synth --hcl` writes cdk.tf where the next synthesis writes cdk.tf.json, and Terraform would read both.
    for configuration in [*out.glob("stacks/*/cdk.tf"), *out.glob("stacks/*/cdk.tf.json")]:
        configuration.unlink()
    app = App(outdir=str(out))
    for resolved in environments:
        add_stacks(app, resolved)
    return app


def add_stacks(app: App, resolved: ResolvedEnvironment) -> None:
    """Add the stacks of one environment. A stack with nothing in it is left out.

    Order: ``state-backend`` first, because the others' state goes there; ``cluster``, ``sdn`` and ``templates``; then
    the groups of guests, and last ``ha``. A group whose containers are cloned from another group's waits for it.
    """
    environment = resolved.environment
    backend: TerraformStack | None = None
    if isinstance(environment.state, S3State) and environment.state.create:
        # Importing the bindings of the aws provider takes ten seconds and half a gigabyte: only who asks for them pays.
        from homelab.stacks.state_backend import StateBackendStack

        backend = StateBackendStack(app, environment=environment, state=environment.state)
    access: list[TerraformStack] = []
    if environment.access is not None:
        access.append(AccessStack(app, environment=environment, settings=environment.access))
    foundations = _foundations(app, resolved)
    secrets = _secrets(app, resolved)
    platforms = {**service_stacks(app, resolved), **dict(zip([SECRETS_HOST], secrets, strict=False))}
    groups: dict[str, TerraformStack] = {
        group: platforms.get(group) or GuestsStack(app, group=group, keys=keys, resolved=resolved)
        for group, keys in resolved.groups.items()
    }
    group_of = {key: group for group, keys in resolved.groups.items() for key in keys}
    for group, stack in groups.items():
        for foundation in foundations:
            stack.add_dependency(foundation)
        for key in resolved.groups[group]:
            origin = group_of.get(_clone_source(resolved, key))
            if origin is not None and origin != group:
                stack.add_dependency(groups[origin])
    rules = [HaStack(app, environment=environment)] if ha.is_needed(environment) else []
    for after, before in product(rules, groups.values()):
        after.add_dependency(before)
    if backend is not None:
        for waiting in (*access, *foundations, *groups.values(), *secrets[1:], *rules):
            waiting.add_dependency(backend)


def _foundations(app: App, resolved: ResolvedEnvironment) -> list[TerraformStack]:
    """The stacks that every group of guests waits for."""
    environment = resolved.environment
    foundations: list[TerraformStack] = []
    if cluster.is_needed(environment):
        foundations.append(ClusterStack(app, environment=environment))
    if environment.sdn is not None:
        foundations.append(SdnStack(app, environment=environment, settings=environment.sdn))
    if templates.is_needed(resolved):
        foundations.append(TemplatesStack(app, resolved=resolved))
    return foundations


def _secrets(app: App, resolved: ResolvedEnvironment) -> tuple[TerraformStack, ...]:
    """The stacks of the secrets platform in their order, that of its host first; none where there is no platform."""
    if resolved.environment.secrets is None:
        return ()
    # Importing the bindings of the Docker provider takes a second: only who asks for them pays.
    from homelab.stacks.secrets import secrets_stacks

    return secrets_stacks(app, resolved)


def _clone_source(resolved: ResolvedEnvironment, key: str) -> str:
    container = container_called(resolved.environment, key)
    return (container.clone_from if container else None) or ""
