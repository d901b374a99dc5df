"""A command of this project as a resource: run when something it depends on changes."""

from collections.abc import Mapping, Sequence

from cdktf import ITerraformDependable, LocalExecProvisioner, TerraformStack
from constructs import Construct

from homelab.provisioning.guest_script import null_provider
from homelab.stacks.environment_stack import FROM_STACK_TO_PROJECT
from imports.null.resource import Resource as NullResource

# Without quotes and braces, which `cdktf synth --hcl` gets wrong; without IFS a path with spaces stays one word.
_PRELUDE = "set -f; IFS=; case $HOMELAB_PYTHON in '') python=.venv/bin/python;; *) python=$HOMELAB_PYTHON;; esac; "


class ProjectCommand(NullResource):
    """Defines that a command has been run, on the machine that runs Terraform and in the project's folder.

    Decided for you: one that fails stops the apply and runs again with the next one. So it has to be one that may run
    again.

    Args:
        command: for ``/bin/sh``, where ``$python`` is the interpreter and variables need no quotes; without secrets,
            which other processes could read there, and without double quotes and braces.
        environment: environment variables of the command; secrets as expressions. Nothing of them is printed, but
            Terraform doesn't hide what the command prints: it has to keep secrets to itself.
        triggers: when one of these changes, the command runs again.
        after: what has to be there before.

    Raises:
        ValueError: the command has a double quote or a brace, which ``cdktf synth --hcl`` writes wrongly.

    Source: ``null_resource`` with a ``local-exec`` provisioner.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        command: str,
        environment: Mapping[str, str],
        triggers: Mapping[str, str],
        after: Sequence[ITerraformDependable] = (),
    ) -> None:
        if set(command) & set('"{}'):
            raise ValueError(f"a command has neither double quotes nor braces: {command}")
        null_provider(TerraformStack.of(scope))
        super().__init__(
            scope,
            id_,
            triggers=dict(triggers),
            depends_on=list(after) or None,
            provisioners=[
                LocalExecProvisioner(
                    type="local-exec",
                    working_dir=FROM_STACK_TO_PROJECT,
                    command=_PRELUDE + command,
                    environment=dict(environment),
                )
            ],
        )
