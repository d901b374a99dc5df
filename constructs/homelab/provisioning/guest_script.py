"""Scripts as resources: run inside a guest or on a node, and run again when the script or what it is for changes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import Fn, LocalExecProvisioner, TerraformResource, TerraformStack, Token
from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.state import LocalState
from homelab.provisioning.script import GivenSecret, Script, StoredSecret
from homelab.proxmox.container import Container
from homelab.stacks.environment_stack import FROM_STACK_TO_PROJECT
from imports.null.provider import NullProvider
from imports.null.resource import Resource as NullResource

# Without quotes and braces, which `cdktf synth --hcl` gets wrong; without IFS a path with spaces stays one word.
COMMAND = (
    "set -f; IFS=; case $HOMELAB_PYTHON in '') python=.venv/bin/python;; *) python=$HOMELAB_PYTHON;; esac; "
    "exec $python -m operations.provisioning"
)
LARGEST_BYTES = 120_000
"""Of a script with what belongs to it: Linux gives a process no variable above 128 KiB."""
_PROVIDER = "null"
# What begins an expression in Terraform, ends a string in HCL, or is one of the escapes itself.
_ESCAPED = re.compile(r'[%"\\{\x00-\x1f\x7f]')


def null_provider(stack: TerraformStack) -> NullProvider:
    """The provider of a stack's null resources; declared the first time that something asks for it."""
    declared = stack.node.try_find_child(_PROVIDER)
    return declared if isinstance(declared, NullProvider) else NullProvider(stack, _PROVIDER)


class _ScriptResource(NullResource):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        node: str,
        target: Mapping[str, Any],
        triggers: Mapping[str, str],
        script: Script,
        after: Sequence[TerraformResource],
    ) -> None:
        stack = TerraformStack.of(scope)
        null_provider(stack)
        given = [secret for secret in script.secrets if isinstance(secret, GivenSecret)]
        order = encoded({**_order(stack, environment, node, script), **target})
        if len(order) > LARGEST_BYTES:
            raise ValueError(
                f"script {script.name} for {target['guest'] or node} is too long: {len(order)} bytes with what belongs "
                f"to it, at most {LARGEST_BYTES} can be handed over. Split it into two scripts."
            )
        super().__init__(
            scope,
            id_,
            depends_on=list(after) or None,
            triggers={
                "script": script.digest,
                # Otherwise a secret that is made anew would never arrive.
                **{secret.variable: _fingerprint(secret.expression) for secret in given},
                **triggers,
            },
            provisioners=[
                LocalExecProvisioner(
                    type="local-exec",
                    working_dir=FROM_STACK_TO_PROJECT,
                    command=COMMAND,
                    environment={
                        "HOMELAB_PROVISIONING": order,
                        **{f"HOMELAB_SECRET_{secret.variable}": secret.expression for secret in given},
                    },
                )
            ],
        )


class GuestScript(_ScriptResource):
    """Defines that a script has run inside a guest.

    Decided for you: the script goes over SSH to the node and from there into the container (``pct exec``), on stdin,
    so nothing of it is in an argument list; host keys are verified; a script that fails stops the apply and runs again
    with the next one. ``docs/provisioning.md`` has the whole way.

    Args:
        guest: the container. A new one gets the script again.
        environment: the environment it belongs to.
        script: what is run.
        after: what has to be there before, besides the guest.

    Raises:
        ValueError: the script is longer than an environment variable may be.

    Source: ``null_resource`` with a ``local-exec`` provisioner that calls ``python -m operations.provisioning``.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        guest: Container,
        environment: Environment,
        script: Script,
        after: Sequence[TerraformResource] = (),
    ) -> None:
        spec = guest.spec
        super().__init__(
            scope,
            id_,
            environment=environment,
            node=spec.node,
            target={
                "vm_id": spec.vm_id,
                "guest": spec.hostname,
                "address": spec.interfaces[0].static_address if spec.interfaces else None,
            },
            triggers={"guest": guest.id},
            script=script,
            after=after,
        )


class NodeScript(_ScriptResource):
    """Defines that a script has run on a node itself, as root; as `GuestScript` in everything else.

    Args:
        node: the node's name.
        environment: the environment it belongs to.
        script: what is run.
        triggers: values with whose change it runs again, besides the script's own; no secrets.
        after: what has to be there before.

    Raises:
        ValueError: the script is longer than an environment variable may be.

    Source: ``null_resource`` with a ``local-exec`` provisioner that calls ``python -m operations.provisioning``.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        node: str,
        environment: Environment,
        script: Script,
        triggers: Mapping[str, str] | None = None,
        after: Sequence[TerraformResource] = (),
    ) -> None:
        super().__init__(
            scope,
            id_,
            environment=environment,
            node=node,
            target={"vm_id": None, "guest": None, "address": None},
            triggers=triggers or {},
            script=script,
            after=after,
        )


def encoded(order: Mapping[str, Any]) -> str:
    """JSON in which what Terraform or HCL would read as their own is percent-encoded, as in a URL."""
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", json.dumps(order))


def _fingerprint(expression: str) -> str:
    # `Fn` quotes what is not a token, and would take the fingerprint of the expression's text.
    return Fn.sha256(expression) if Token.is_unresolved(expression) else f"${{sha256({expression[2:-1]})}}"


def _order(stack: TerraformStack, environment: Environment, node: str, script: Script) -> dict[str, Any]:
    settings, state = environment.proxmox.nodes[node], environment.state
    return {
        "environment": environment.name,
        "stack": stack.node.id,
        "node": {
            "name": node,
            "address": settings.address or node,
            "port": settings.ssh_port,
            "user": environment.proxmox.ssh.username,
        },
        "script": script.name,
        "text": script.text,
        "timeout_seconds": script.timeout_seconds,
        "secrets": [_secret(secret) for secret in script.secrets],
        "state_folder": state.directory if isinstance(state, LocalState) else "state",
    }


def _secret(secret: StoredSecret | GivenSecret) -> dict[str, Any]:
    if isinstance(secret, GivenSecret):
        return {"variable": secret.variable, "source": "given"}
    return {
        "variable": secret.variable,
        "source": "stored",
        "name": secret.name,
        "kind": secret.kind,
        "length": secret.length,
    }
