"""Takes over what is on a Proxmox VE already: reads it through the API and writes an environment file for it.

Read-only towards Proxmox. The file marks what was there before (``adopted``), from which the stacks make ``import``
blocks, so that the first plan creates nothing.
"""
