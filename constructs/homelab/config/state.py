"""Where Terraform keeps its state: one state for each stack."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from homelab.config.model import Model
from homelab.config.problems import Refused
from homelab.config.text import Matching

_Bucket = Matching(
    r"(?=.{3,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
    "the name of a bucket",
    "3 to 63 of a-z, 0-9, - and ., each part between dots beginning and ending with a letter or digit",
    longest=63,
)
_Region = Matching(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", "a region", "a-z, 0-9 and -", example="us-east-2")
_Prefix = Matching(
    r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*",
    "a prefix of objects",
    "letters, digits and . _ -, in parts with / between them",
    example="homelab",
)
_LockTable = Matching(
    r"[A-Za-z0-9_.-]{3,255}",
    "the name of a DynamoDB table",
    "3 to 255 of letters, digits and _ . -",
    example="homelab-locks",
)
# Neither user nor password: the address is written into cdktf.out.
_Endpoint = Matching(
    r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?/?",
    "the address of a server",
    "https://HOST:PORT, without user, password or path",
    example="https://minio.home.arpa:9000",
)
# As strict as Terraform's backend, which refuses others at init only.
_KmsKey = Matching(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/"
    r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",
    "the ARN of a KMS key",
    "the key's own ARN, which an alias and a bare id are not: a policy names keys by it",
    example="arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-96ef-1234567890ab",
)


def _survives_synthesis(directory: str) -> str:
    parts = directory.split("/")
    if "cdktf.out" in parts:
        raise Refused("state inside cdktf.out is lost with it", allowed="a folder of its own", fix="write state")
    if parts[0].startswith("~") or "$" in directory:
        raise Refused(
            "Terraform takes a folder literally, neither ~ nor variables mean anything in it",
            allowed="a folder relative to the project, or an absolute one",
            fix="write state",
        )
    return directory


class LocalState(Model):
    """State files on this machine, outside ``cdktf.out`` so that removing that folder loses nothing.

    ``<directory>/<stack>.tfstate``, relative to the folder that holds ``cdktf.out``. Terraform locks them with a file
    lock. Source: Terraform's ``local`` backend.
    """

    backend: Literal["local"] = "local"
    directory: Annotated[str, AfterValidator(_survives_synthesis)] = Field(
        "state", min_length=1, description="Folder of the state files; relative to the project."
    )


class S3State(Model):
    """State objects in an S3 bucket or anything that speaks S3, encrypted and locked.

    Credentials come from ``AWS_*`` variables. Source: Terraform's ``s3`` backend.
    """

    backend: Literal["s3"]
    bucket: Annotated[str, _Bucket] = Field(description="Name of the bucket.")
    region: Annotated[str, _Region] = Field("us-east-2", description="Region of the bucket.")
    prefix: Annotated[str, _Prefix] = Field(
        "homelab", description="Objects are <prefix>/<environment>/<stack>.tfstate."
    )
    lock_table: Annotated[str, _LockTable] | None = Field(
        None, description="DynamoDB table for locks, with the key LockID."
    )
    lock_file: bool = Field(
        False, description="Lock with an object beside the state instead of a table (Terraform 1.10 or later)."
    )
    endpoint: Annotated[str, _Endpoint] | None = Field(
        None, description="Address of another S3 server than Amazon's, such as MinIO."
    )
    dynamodb_endpoint: Annotated[str, _Endpoint] | None = Field(
        None, description="Address of another DynamoDB than Amazon's."
    )
    encrypt: bool = Field(
        True,
        description="Have the server encrypt every object; false only with endpoint, for a server that has no keys.",
    )
    kms_key_id: Annotated[str, _KmsKey] | None = Field(
        None, description="ARN of the KMS key for the objects; the bucket's own encryption (AES-256) when left out."
    )
    create: bool = Field(
        False,
        description="Also synthesize <environment>-state-backend, which makes bucket, lock table and policy. "
        "Costs ten seconds a synthesis.",
    )

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if self.endpoint and self.lock_table and not self.dynamodb_endpoint:
            raise Refused(
                "another S3 server than Amazon's has no DynamoDB, and Amazon's does not know its credentials",
                allowed="lock_file with endpoint, or lock_table with dynamodb_endpoint",
                fix="write lock_file: true instead of lock_table",
            )
        if self.dynamodb_endpoint and not self.lock_table:
            raise Refused(
                "dynamodb_endpoint is the address of a lock table, and there is none",
                allowed="dynamodb_endpoint with lock_table",
                fix="name the lock_table, or remove dynamodb_endpoint",
            )
        return self

    @model_validator(mode="after")
    def _encryption(self) -> Self:
        if not self.encrypt and self.endpoint is None:
            raise Refused(
                "Amazon's S3 can always encrypt", allowed="encrypt: false with endpoint only", fix="remove encrypt"
            )
        if not self.encrypt and self.kms_key_id:
            raise Refused(
                "a key for objects that are not encrypted",
                allowed="kms_key_id or encrypt: false",
                fix="remove one of the two",
            )
        return self


State = Annotated[LocalState | S3State, Field(discriminator="backend")]
