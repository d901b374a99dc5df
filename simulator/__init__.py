"""A Proxmox VE API on loopback: stateful, with tasks, permissions, SSH and injected faults, for tests and trying things out."""

from .faults import Fault
from .options import SimulatorOptions, StorageOptions
from .simulator import Simulator

__all__ = ["Fault", "Simulator", "SimulatorOptions", "StorageOptions"]
