"""One function for each danger. A rule looks at one object of a plan and yields what it finds."""

from operations.review.findings import Rule
from operations.review.rules import backups, disks, firewall, networks, operation, protection, records, removal

RULES: tuple[Rule, ...] = (
    removal.guests,
    removal.objects,
    removal.left_behind,
    removal.not_understood,
    disks.removed,
    disks.shrunk,
    disks.moved,
    disks.mount_points,
    disks.backups,
    networks.removed,
    networks.disconnected,
    networks.firewall,
    protection.switched_off,
    firewall.guest_options,
    firewall.cluster_options,
    firewall.node_options,
    firewall.rules,
    backups.jobs,
    backups.guests,
    backups.retention,
    operation.stopped,
    operation.reboots,
    operation.node,
    operation.becomes_template,
    records.metadata_only,
    records.moved,
    records.imported,
    records.forgotten,
)
"""Every rule, in the order in which their findings are shown."""
