"""The service catalogue: one folder for each service, and what they have in common.

Pure: a folder describes a service (numbers, size, settings, scripts) and the stacks make it.
"""
