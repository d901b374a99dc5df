"""The address of a resource, as Terraform writes it in a plan, and what depends on it."""

from collections.abc import Sequence

from cdktf import TerraformResource, TerraformResourceLifecycle


def address_of(resource: TerraformResource) -> str:
    """``<type>.<name>`` of ``resource``, for a ``depends_on`` that is set after its owner was made.

    There ``resource.fqn`` would be an expression, which Terraform refuses; only the constructor's argument turns it
    into an address.
    """
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}"


def lifecycle_of_part(guest: TerraformResource, *, ignored: Sequence[str] = ()) -> TerraformResourceLifecycle:
    """The lifecycle of what Proxmox keeps with a guest and removes with it: a new guest gets it anew.

    Without it a guest that is made again would run without its firewall until the next apply finds that out.
    Changes to the arguments in ``ignored`` are not Terraform's.
    """
    return TerraformResourceLifecycle(
        replace_triggered_by=[f"{address_of(guest)}.id"], ignore_changes=list(ignored) or None
    )
