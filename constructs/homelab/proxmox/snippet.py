"""Cloud-init snippets on a node."""

from constructs import Construct

from homelab.proxmox.literal import literal
from imports.proxmox.virtual_environment_file import VirtualEnvironmentFile, VirtualEnvironmentFileSourceRaw


class Snippet(Construct):
    """Defines a text file in the snippets of a node's datastore, uploaded over SSH as Proxmox has no API for it.

    Args:
        node: the node that gets the file.
        datastore: a datastore of the node with the content type ``snippets``.
        file_name: the name of the file; it is part of the volume's id, so another name is another file.
        text: the content. It is in the state and on the node in clear: never a secret.

    Source: ``proxmox_virtual_environment_file``, block ``source_raw``.
    """

    def __init__(self, scope: Construct, id_: str, *, node: str, datastore: str, file_name: str, text: str) -> None:
        super().__init__(scope, id_)
        self.file = VirtualEnvironmentFile(
            self,
            "Default",
            node_name=node,
            datastore_id=datastore,
            content_type="snippets",
            source_raw=VirtualEnvironmentFileSourceRaw(data=literal(text), file_name=file_name),
        )
