"""What the nodes of a cluster have, what guests are promised of it, what still fits, and what a failed node takes away.

Computed from environment files alone: thin disks count in full, and what is not in any file does not count.
"""
