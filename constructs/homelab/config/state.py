"""Where Terraform keeps its state: one state for each stack."""

from typing import Annotated, Literal

from pydantic import Field

from homelab.config.model import Model
from homelab.config.text import Matching

Bucket = Annotated[
    str,
    Matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket", "3 to 63 of a-z, 0-9, . and -", longest=63),
]
Region = Annotated[str, Matching(r"[a-z0-9-]+", "a region", "a region in Amazon's words", "us-east-2")]
Prefix = Annotated[
    str, Matching(r"[A-Za-z0-9._/-]+", "a prefix of object names", "letters, digits, . _ / -", "homelab")
]
Table = Annotated[
    str, Matching(r"[A-Za-z0-9_.-]{3,255}", "the name of a table", "3 to 255 letters, digits, . _ -", longest=255)
]
Server = Annotated[
    str,
    Matching(
        r"https?://[^/\s@]+/?",
        "the address of a server",
        "https://HOST or https://HOST:PORT",
        "https://minio.home.arpa:9000",
    ),
]


class LocalState(Model):
    """State files on this machine, outside ``cdktf.out`` so that removing that folder loses nothing.

    ``<directory>/<stack>.tfstate``, relative to the folder that holds ``cdktf.out``.
    """

    backend: Literal["local"] = "local"
    directory: str = Field("state", min_length=1, description="Folder of the state files; relative to the project.")


class S3State(Model):
    """State objects in an S3 bucket or anything that speaks S3, encrypted and locked.

    Credentials come from ``AWS_*`` variables. Source: Terraform's ``s3`` backend.
    """

    backend: Literal["s3"]
    bucket: Bucket = Field(description="Name of the bucket.")
    region: Region = Field("us-east-2", description="Region of the bucket.")
    prefix: Prefix = Field("homelab", description="Objects are <prefix>/<environment>/<stack>.tfstate.")
    lock_table: Table | None = Field(None, description="DynamoDB table for locks, with the key LockID.")
    lock_file: bool = Field(
        False, description="Lock with an object beside the state instead of a table (Terraform 1.10 or later)."
    )
    endpoint: Server | None = Field(None, description="Address of another S3 server than Amazon's, such as MinIO.")
    dynamodb_endpoint: Server | None = Field(None, description="Address of another DynamoDB than Amazon's.")
    kms_key_id: str | None = Field(
        None, description="KMS key for the objects; the bucket's own encryption when left out."
    )
    create: bool = Field(
        False,
        description="Also synthesize <environment>-state-backend, which makes bucket, lock table and policy. Costs ten seconds a synthesis.",
    )


State = Annotated[LocalState | S3State, Field(discriminator="backend")]
