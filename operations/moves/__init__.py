"""Renames and regroupings in an environment file, found in the states and done there, so that nothing is made anew.

A guest is the same guest as long as its VMID is; what belongs to it goes with it. Where the state has it under another
address than the stacks do, or in another state, its entry is moved. Deprecated names of resource types become the
short ones in the same way.
"""

from operations.moves.applying import MoveError, apply_moves
from operations.moves.matching import Move
from operations.moves.pending import Pending, pending_moves

__all__ = ["Move", "MoveError", "Pending", "apply_moves", "pending_moves"]
