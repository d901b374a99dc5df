"""Where Terraform keeps its state: one state for each stack."""

from typing import Annotated, Literal

from pydantic import Field

from homelab.config.model import Model


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
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Name of the bucket.")
    region: str = Field("us-east-2", pattern=r"^[a-z0-9-]+$", description="Region of the bucket.")
    prefix: str = Field("homelab", pattern=r"^[A-Za-z0-9._/-]+$", description="Objects are <prefix>/<environment>/<stack>.tfstate.")
    lock_table: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_.-]{3,255}$", description="DynamoDB table for locks, with the key LockID."
    )
    lock_file: bool = Field(False, description="Lock with an object beside the state instead of a table (Terraform 1.10 or later).")
    endpoint: str | None = Field(
        None, pattern=r"^https?://[^/]+/?$", description="Address of another S3 server than Amazon's, such as MinIO."
    )
    dynamodb_endpoint: str | None = Field(None, pattern=r"^https?://[^/]+/?$", description="Address of another DynamoDB than Amazon's.")
    kms_key_id: str | None = Field(None, description="KMS key for the objects; the bucket's own encryption when left out.")
    create: bool = Field(
        False,
        description="Also synthesize <environment>-state-backend, which makes bucket, lock table and policy. Costs ten seconds a synthesis.",
    )


State = Annotated[LocalState | S3State, Field(discriminator="backend")]
