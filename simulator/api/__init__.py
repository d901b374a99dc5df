"""The endpoints by API area; importing the package fills the table in `simulator.endpoints`."""

from . import access, cluster, content, guests, lxc, lxc_guest, nodes, pools, qemu, qemu_guest, storage, tasks

AREAS = (access, cluster, content, guests, lxc, lxc_guest, nodes, pools, qemu, qemu_guest, storage, tasks)
