"""The address of a resource, as Terraform writes it in a plan."""

from cdktf import TerraformResource


def address_of(resource: TerraformResource) -> str:
    """``<type>.<name>`` of ``resource``, for a ``depends_on`` that is set after its owner was made.

    There ``resource.fqn`` would be an expression, which Terraform refuses; only the constructor's argument turns it
    into an address.
    """
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}"
