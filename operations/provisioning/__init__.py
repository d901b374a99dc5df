"""Runs a script inside a guest, or on a node, over SSH: ``python -m operations.provisioning``, which Terraform calls.

``order`` is what Terraform hands over, ``runner`` the way from there to an exit code, ``session`` the shell at the
other end, ``ssh`` the client and what its messages mean, ``secret_store`` and ``known_hosts`` the files beside the
state.
"""
