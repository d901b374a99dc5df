"""A Proxmox VE API on loopback: stateful, with tasks, permissions, SSH and faults, for tests and trials."""

from .faults import Fault
from .options import SimulatorOptions, StorageOptions
from .simulator import Simulator

__all__ = ["Fault", "Simulator", "SimulatorOptions", "StorageOptions"]
