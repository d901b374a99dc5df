"""Cloud-init documents that are uploaded as snippets."""

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from homelab.config.virtual_machine import TemplateSettings

HEADER = "#cloud-config\n"
START_GUEST_AGENT = (
    "systemctl enable --now qemu-guest-agent"
    " || { rc-update add qemu-guest-agent && rc-service qemu-guest-agent start; }"
)
"""Some distributions don't start what they install, and Alpine has OpenRC in place of systemd."""


def vendor_data(template: "TemplateSettings") -> str | None:
    """The vendor data of a template, or None where there is nothing to say and so nothing to upload.

    Vendor data and not user data: Proxmox writes the user data itself, from user, keys and addresses, and a clone's
    own wins over it.
    """
    if template.vendor_data is not None:
        return template.vendor_data
    packages = [*(["qemu-guest-agent"] if template.guest_agent else []), *template.packages]
    commands = [*([START_GUEST_AGENT] if template.guest_agent else []), *template.run_commands]
    document: dict[str, Any] = {}
    if packages:
        document |= {"package_update": True, "packages": packages}
    if commands:
        document["runcmd"] = commands
    return HEADER + yaml.safe_dump(document, sort_keys=False) if document else None


def user_data(text: str, hostname: str) -> str:
    """Your own user data with the host name that Proxmox would have set, unless it sets one itself."""
    document = yaml.safe_load(text) or {}
    if "hostname" in document:
        return text
    return HEADER + yaml.safe_dump({"hostname": hostname, **document}, sort_keys=False)
