"""Credentials that Terraform makes once and keeps in its state."""

from cdktf import TerraformResourceLifecycle, TerraformStack
from cdktf_cdktf_provider_random.bytes import Bytes
from cdktf_cdktf_provider_random.id import Id
from cdktf_cdktf_provider_random.password import Password as RandomPassword
from cdktf_cdktf_provider_random.provider import RandomProvider
from constructs import Construct

PROVIDER_VERSIONS = "~> 3.7"
_PROVIDER = "random"


def _declare_provider(stack: TerraformStack) -> None:
    if stack.node.try_find_child(_PROVIDER) is None:
        RandomProvider(stack, _PROVIDER)
        # Escape hatch: the bindings ask for the one version that they were made from.
        stack.add_override("terraform.required_providers.random.version", PROVIDER_VERSIONS)


class Password(RandomPassword):
    """Defines a random password; ``result`` is an expression for it.

    Decided for you: letters and digits only unless ``special``, so that it needs no quoting in a URL or configuration;
    Terraform refuses to destroy it, as what is protected by it would be lost.

    Args:
        length: in characters.
        special: also ``!@#$%&*()-_=+[]{}<>:?``.

    Source: ``random_password``.
    """

    def __init__(self, scope: Construct, id_: str, *, length: int, special: bool = False) -> None:
        _declare_provider(TerraformStack.of(scope))
        super().__init__(
            scope,
            id_,
            length=length,
            special=special,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
        )


class Suffix(Id):
    """Defines a random part of a name; ``hex`` is an expression for it. It is no secret.

    Args:
        length: in bytes, each of which makes two characters.

    Source: ``random_id``.
    """

    def __init__(self, scope: Construct, id_: str, *, length: int) -> None:
        _declare_provider(TerraformStack.of(scope))
        super().__init__(scope, id_, byte_length=length, lifecycle=TerraformResourceLifecycle(prevent_destroy=True))


class Key(Bytes):
    """Defines a random key; ``hex`` and ``base64`` are expressions for it. Terraform refuses to destroy it.

    Args:
        length: in bytes.

    Source: ``random_bytes``.
    """

    def __init__(self, scope: Construct, id_: str, *, length: int) -> None:
        _declare_provider(TerraformStack.of(scope))
        super().__init__(scope, id_, length=length, lifecycle=TerraformResourceLifecycle(prevent_destroy=True))
