"""Constructs for what is on a Proxmox VE node: one module for each thing, each taking a spec of ``homelab.config``.

They are imported from their modules (``from homelab.proxmox.virtual_machine import VirtualMachine``), so that a
program pays only for the bindings that it uses.
"""
