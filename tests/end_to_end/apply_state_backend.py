"""Applies the state-backend stack with the real aws provider to S3, DynamoDB and IAM on loopback.

    HOMELAB_PROVIDER_MIRRORS=/folder/with/hashicorp/aws .venv/bin/python -m tests.end_to_end.apply_state_backend

Not one of the tests, because the aws provider is too large to be built for them and a registry is not always there. It
ends with an error where it can't find the provider. What it shows besides: the tests' own way of making these things
(``aws_resources``) makes the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from homelab.config.environment import Environment
from homelab.config.loading import load_environment
from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from operations.provider_mirror import terraform_environment, terraform_program
from tests.end_to_end.aws_resources import Maker
from tests.end_to_end.s3_server import ACCOUNT, ADMINISTRATOR, REGION, SECRET, S3Server, serve

PROJECT = Path(__file__).resolve().parents[2]
STATES: dict[str, dict[str, Any]] = {
    "table": {"lock_table": "homelab-locks"},
    "file": {
        "lock_file": True,
        "kms_key_id": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-96ef-1234567890ab",
    },
}


def main() -> int:
    """Apply, plan again, refuse to destroy, and compare; 0 when all of it went as it should."""
    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as server:
        folder = Path(name)
        example = load_environment(PROJECT / "examples" / "state-backend.yaml").model_dump()
        states = {
            key: {"backend": "s3", "bucket": f"{key}-tfstate", "create": True} | state for key, state in STATES.items()
        }
        environments = [
            Environment.model_validate(example | {"name": key, "state": state}) for key, state in states.items()
        ]
        build_app(map(resolve, environments), outdir=folder / "cdktf.out").synth()
        stacks = {key: folder / "cdktf.out" / "stacks" / f"{key}-state-backend" for key in STATES}
        for stack in stacks.values():
            _apply(stack, server)
        applied = {key: _settings(server, key) for key in STATES}
        _forget(server)
        for stack in stacks.values():
            Maker(server.client).make(json.loads((stack / "cdk.tf.json").read_text()))
        made = {key: _settings(server, key) for key in STATES}
    if applied != made:
        print(
            "The tests make something else:",
            json.dumps({"terraform": applied, "tests": made}, indent=2),
            sep="\n",
            file=sys.stderr,
        )
        return 1
    print("Applied, planned without changes, refused to be destroyed; the tests make the same.")
    return 0


def _apply(stack: Path, server: S3Server) -> None:
    environment = terraform_environment() | {
        "AWS_ACCESS_KEY_ID": ADMINISTRATOR,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_CA_BUNDLE": str(server.ca_file),
        "AWS_ENDPOINT_URL": server.url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # Loopback has no names for buckets; Terraform merges an override file into the provider block.
    (stack / "provider_override.tf.json").write_text(json.dumps({"provider": {"aws": {"s3_use_path_style": True}}}))

    def terraform(*arguments: str, expected: int = 0) -> str:
        print(f"{stack.name}: terraform {' '.join(arguments)}", flush=True)
        done = subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=stack,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != expected:
            sys.exit(f"{done.stdout}\nterraform {arguments[0]} ended with {done.returncode} instead of {expected}")
        return done.stdout

    terraform("init", "-input=false")
    print(next(line for line in terraform("version").splitlines() if "hashicorp/aws" in line))
    terraform("validate")
    terraform("apply", "-input=false", "-auto-approve")
    terraform("plan", "-input=false", "-detailed-exitcode")
    if "prevent_destroy" not in terraform("destroy", "-input=false", "-auto-approve", expected=1):
        sys.exit("terraform destroy failed, and not because of prevent_destroy")


def _settings(server: S3Server, key: str) -> dict[str, Any]:
    """Everything that can be read back of what one stack makes."""
    s3, tables, iam = (server.client(service) for service in ("s3", "dynamodb", "iam"))
    bucket = {"Bucket": f"{key}-tfstate"}
    policy = iam.get_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{key}-state-backend-access")["Policy"]
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    found = {
        "location": s3.get_bucket_location(**bucket)["LocationConstraint"],
        "tags": _by_key(s3.get_bucket_tagging(**bucket)["TagSet"]),
        "versioning": s3.get_bucket_versioning(**bucket)["Status"],
        "lifecycle": s3.get_bucket_lifecycle_configuration(**bucket)["Rules"],
        "encryption": s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"],
        "public access": s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"],
        "ownership": s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"],
        "bucket policy": json.loads(s3.get_bucket_policy(**bucket)["Policy"]),
        "policy": version["Document"],
        "policy's description": policy["Description"],
        "policy's tags": _by_key(policy["Tags"]),
    }
    if name := STATES[key].get("lock_table"):
        table = tables.describe_table(TableName=name)["Table"]
        found["table"] = {
            part: table[part] for part in ("KeySchema", "AttributeDefinitions", "BillingModeSummary", "TableArn")
        }
        found["table's encryption"] = table["SSEDescription"]["Status"]
        recovery = tables.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        found["table's recovery"] = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        found["table's tags"] = _by_key(tables.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"])
    return found


def _by_key(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _forget(server: S3Server) -> None:
    for key, state in STATES.items():
        server.client("s3").delete_bucket(Bucket=f"{key}-tfstate")
        server.client("iam").delete_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{key}-state-backend-access")
        if name := state.get("lock_table"):
            server.client("dynamodb").delete_table(TableName=name)


if __name__ == "__main__":
    sys.exit(main())
