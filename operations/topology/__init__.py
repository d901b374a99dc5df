"""Pictures and tables of an environment: nodes, bridges, VLANs, guests, platforms, and who may reach what.

Drawn from environment files alone; no node is asked.
"""
