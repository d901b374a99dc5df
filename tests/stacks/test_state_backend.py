"""The stack that makes bucket, lock table and policy, as it is synthesized.

The bindings of the aws provider take ten seconds to import, so the tests that need them are here and share a synthesis.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from tests.config.cases import environment

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
KEY = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-96ef-1234567890ab"
GUEST = "containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.53}}}\n"

STATES = {
    "table": "{backend: s3, bucket: tfstate, create: true, lock_table: locks}",
    "file": "{backend: s3, bucket: tfstate-2, create: true, lock_file: true, region: eu-central-1, "
    f"kms_key_id: '{KEY}'}}",
    "minio": "{backend: s3, bucket: tfstate, create: true, lock_file: true, endpoint: 'https://minio.home.arpa:9000'}",
    "alternator": "{backend: s3, bucket: tfstate-3, create: true, lock_table: locks, "
    "endpoint: 'https://minio.home.arpa:9000', dynamodb_endpoint: 'https://scylla.home.arpa:8043'}",
    "plain": "{backend: s3, bucket: tfstate, lock_table: locks}",
}


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cdktf.out")
    build_app((resolve(_environment(name)) for name in STATES), outdir=folder).synth()
    return folder


@pytest.fixture(scope="module")
def stacks(outdir: Path) -> dict[str, dict[str, Any]]:
    """Every stack by its name."""
    return {path.parent.name: json.loads(path.read_text()) for path in outdir.glob("stacks/*/cdk.tf.json")}


def _environment(name: str) -> Environment:
    return environment(f"{GUEST}state: {STATES[name]}\n", name)


def _resource(stack: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return {key: value for key, value in stack["resource"][kind][name].items() if key != "//"}


def _statements(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    policy = json.loads(stack["output"]["state_access_policy"]["value"])
    assert policy["Version"] == "2012-10-17"
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_it_is_synthesized_only_when_asked_for(stacks: dict[str, dict[str, Any]]) -> None:
    assert {name for name in stacks if name.endswith("-state-backend")} == {
        f"{name}-state-backend" for name in ("table", "file", "minio", "alternator")
    }


def test_its_own_state_is_local(stacks: dict[str, dict[str, Any]]) -> None:
    for name in ("table-state-backend", "minio-state-backend"):
        assert stacks[name]["terraform"]["backend"] == {"local": {"path": f"../../../state/{name}.tfstate"}}


def test_it_has_the_aws_provider_and_no_other(stacks: dict[str, dict[str, Any]]) -> None:
    stack = stacks["file-state-backend"]
    assert stack["terraform"]["required_providers"] == {
        "aws": {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"}
    }
    assert stack["provider"] == {
        "aws": [
            {"region": "eu-central-1", "default_tags": [{"tags": {"Environment": "file", "ManagedBy": "Terraform"}}]},
        ]
    }


def test_the_region_is_us_east_2_where_none_is_named(stacks: dict[str, dict[str, Any]]) -> None:
    stack = stacks["table-state-backend"]
    assert stack["provider"]["aws"][0]["region"] == "us-east-2"
    assert stack["output"]["state_region"]["value"] == "us-east-2"


def test_every_other_stack_of_the_environment_waits_for_it(outdir: Path) -> None:
    manifest = json.loads((outdir / "manifest.json").read_text())["stacks"]
    for name, stack in manifest.items():
        waits = f"{name.partition('-')[0]}-state-backend" in stack["dependencies"]
        assert waits == (not name.startswith("plain-") and not name.endswith("-state-backend")), name


def test_bucket_and_table_are_not_destroyed(stacks: dict[str, dict[str, Any]]) -> None:
    resources = stacks["table-state-backend"]["resource"]
    assert resources["aws_s3_bucket"]["bucket"]["lifecycle"] == {"prevent_destroy": True}
    assert resources["aws_dynamodb_table"]["locks"]["lifecycle"] == {"prevent_destroy": True}
    assert "force_destroy" not in resources["aws_s3_bucket"]["bucket"]


def test_the_bucket_is_versioned(stacks: dict[str, dict[str, Any]]) -> None:
    for name in ("table-state-backend", "minio-state-backend"):
        assert _resource(stacks[name], "aws_s3_bucket", "bucket")["bucket"] == "tfstate"
        assert _resource(stacks[name], "aws_s3_bucket_versioning", "versioning") == {
            "bucket": "${aws_s3_bucket.bucket.id}",
            "versioning_configuration": {"status": "Enabled"},
        }


def test_old_versions_stay_90_days_and_the_ten_newest_for_ever(stacks: dict[str, dict[str, Any]]) -> None:
    lifecycle = _resource(stacks["table-state-backend"], "aws_s3_bucket_lifecycle_configuration", "lifecycle")
    (rule,) = lifecycle["rule"]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90, "newer_noncurrent_versions": 10}]
    assert rule["status"] == "Enabled"
    assert rule["filter"] == [{"prefix": ""}]
    assert "expiration" not in rule, "that would remove states themselves"
    assert lifecycle["depends_on"] == ["aws_s3_bucket_versioning.versioning"]


def test_objects_are_encrypted_with_the_keys_of_s3(stacks: dict[str, dict[str, Any]]) -> None:
    encryption = _resource(
        stacks["table-state-backend"], "aws_s3_bucket_server_side_encryption_configuration", "encryption"
    )
    assert encryption["rule"] == [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}]


def test_objects_are_encrypted_with_a_key_of_ones_own(stacks: dict[str, dict[str, Any]]) -> None:
    encryption = _resource(
        stacks["file-state-backend"], "aws_s3_bucket_server_side_encryption_configuration", "encryption"
    )
    by_default = {"sse_algorithm": "aws:kms", "kms_master_key_id": KEY}
    assert encryption["rule"] == [{"apply_server_side_encryption_by_default": by_default, "bucket_key_enabled": True}]


def test_nothing_makes_the_bucket_public(stacks: dict[str, dict[str, Any]]) -> None:
    block = _resource(stacks["table-state-backend"], "aws_s3_bucket_public_access_block", "public-access")
    assert block == {
        "bucket": "${aws_s3_bucket.bucket.id}",
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }
    ownership = _resource(stacks["table-state-backend"], "aws_s3_bucket_ownership_controls", "ownership")
    assert ownership["rule"] == {"object_ownership": "BucketOwnerEnforced"}


def test_requests_without_tls_are_denied(stacks: dict[str, dict[str, Any]]) -> None:
    policy = _resource(stacks["table-state-backend"], "aws_s3_bucket_policy", "policy")
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert statement == {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["${aws_s3_bucket.bucket.arn}", "${aws_s3_bucket.bucket.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert policy["depends_on"] == ["aws_s3_bucket_public_access_block.public-access"]


def test_the_lock_table_is_what_the_backend_wants(stacks: dict[str, dict[str, Any]]) -> None:
    assert _resource(stacks["table-state-backend"], "aws_dynamodb_table", "locks") == {
        "name": "locks",
        "hash_key": "LockID",
        "attribute": [{"name": "LockID", "type": "S"}],
        "billing_mode": "PAY_PER_REQUEST",
        "point_in_time_recovery": {"enabled": True},
        "server_side_encryption": {"enabled": True},
        "lifecycle": {"prevent_destroy": True},
    }


def test_without_lock_table_none_is_made(stacks: dict[str, dict[str, Any]]) -> None:
    for name in ("file-state-backend", "minio-state-backend"):
        assert "aws_dynamodb_table" not in stacks[name]["resource"]
        assert "state_lock_table" not in stacks[name]["output"]


def test_the_policy_reaches_one_environment_with_a_table(stacks: dict[str, dict[str, Any]]) -> None:
    statements = _statements(stacks["table-state-backend"])
    assert statements == {
        "ListStates": {
            "Sid": "ListStates",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["${aws_s3_bucket.bucket.arn}"],
            "Condition": {"StringLike": {"s3:prefix": ["homelab/table/*"]}},
        },
        "ReadAndWriteStates": {
            "Sid": "ReadAndWriteStates",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["${aws_s3_bucket.bucket.arn}/homelab/table/*"],
        },
        "LockInTable": {
            "Sid": "LockInTable",
            "Effect": "Allow",
            "Action": ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": ["${aws_dynamodb_table.locks.arn}"],
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["tfstate/homelab/table/*"]}},
        },
    }


def test_the_policy_removes_lock_files_only_and_uses_the_key(stacks: dict[str, dict[str, Any]]) -> None:
    statements = _statements(stacks["file-state-backend"])
    assert set(statements) == {"ListStates", "ReadAndWriteStates", "RemoveLockFiles", "UseKey"}
    assert statements["RemoveLockFiles"]["Action"] == ["s3:DeleteObject"]
    assert statements["RemoveLockFiles"]["Resource"] == ["${aws_s3_bucket.bucket.arn}/homelab/file/*.tflock"]
    assert statements["UseKey"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert statements["UseKey"]["Resource"] == [KEY]


def test_the_policy_is_made_and_put_out(stacks: dict[str, dict[str, Any]]) -> None:
    stack = stacks["table-state-backend"]
    policy = _resource(stack, "aws_iam_policy", "access")
    assert policy["name"] == "table-state-backend-access"
    assert policy["policy"] == stack["output"]["state_access_policy"]["value"]
    assert stack["output"]["state_access_policy_arn"]["value"] == "${aws_iam_policy.access.arn}"


def test_what_is_put_out(stacks: dict[str, dict[str, Any]]) -> None:
    outputs = {name: output["value"] for name, output in stacks["table-state-backend"]["output"].items()}
    assert outputs["state_bucket"] == "${aws_s3_bucket.bucket.bucket}"
    assert outputs["state_bucket_arn"] == "${aws_s3_bucket.bucket.arn}"
    assert outputs["state_lock_table"] == "${aws_dynamodb_table.locks.name}"


def test_another_server_gets_what_it_knows(stacks: dict[str, dict[str, Any]]) -> None:
    stack = stacks["minio-state-backend"]
    assert set(stack["resource"]) == {"aws_s3_bucket", "aws_s3_bucket_versioning"}
    assert "state_access_policy_arn" not in stack["output"]
    assert set(_statements(stack)) == {"ListStates", "ReadAndWriteStates", "RemoveLockFiles"}
    assert stack["provider"]["aws"] == [
        {
            "region": "us-east-2",
            "endpoints": [{"s3": "https://minio.home.arpa:9000"}],
            "s3_use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": "true",
            "skip_region_validation": True,
            "skip_requesting_account_id": True,
        }
    ]


def test_a_table_elsewhere_has_nothing_of_amazons(stacks: dict[str, dict[str, Any]]) -> None:
    stack = stacks["alternator-state-backend"]
    table = _resource(stack, "aws_dynamodb_table", "locks")
    assert set(table) == {"name", "hash_key", "attribute", "billing_mode", "lifecycle"}
    endpoints = stack["provider"]["aws"][0]["endpoints"]
    assert endpoints == [{"s3": "https://minio.home.arpa:9000", "dynamodb": "https://scylla.home.arpa:8043"}]


def test_the_backend_of_a_stack_on_aws(stacks: dict[str, dict[str, Any]]) -> None:
    assert stacks["table-guests"]["terraform"]["backend"] == {
        "s3": {
            "bucket": "tfstate",
            "key": "homelab/table/table-guests.tfstate",
            "region": "us-east-2",
            "workspace_key_prefix": "homelab/table/workspaces",
            "encrypt": True,
            "dynamodb_table": "locks",
        }
    }


def test_the_backend_of_a_stack_elsewhere(stacks: dict[str, dict[str, Any]]) -> None:
    assert stacks["minio-guests"]["terraform"]["backend"] == {
        "s3": {
            "bucket": "tfstate",
            "key": "homelab/minio/minio-guests.tfstate",
            "region": "us-east-2",
            "workspace_key_prefix": "homelab/minio/workspaces",
            "encrypt": True,
            "use_lockfile": True,
            "endpoints": {"s3": "https://minio.home.arpa:9000"},
            "use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
            "skip_requesting_account_id": True,
            "skip_s3_checksum": True,
        }
    }


def test_the_backend_uses_a_key_of_ones_own(stacks: dict[str, dict[str, Any]]) -> None:
    backend = stacks["file-guests"]["terraform"]["backend"]["s3"]
    assert backend["kms_key_id"] == KEY
    assert backend["use_lockfile"] is True


def test_a_lock_file_needs_terraform_1_10(stacks: dict[str, dict[str, Any]]) -> None:
    assert stacks["file-guests"]["terraform"]["required_version"] == ">= 1.10.0"
    assert stacks["table-guests"]["terraform"]["required_version"] == ">= 1.9.0"


def test_it_makes_what_the_backends_of_the_other_stacks_name(stacks: dict[str, dict[str, Any]]) -> None:
    for name in ("table", "file", "minio", "alternator"):
        made, used = stacks[f"{name}-state-backend"]["resource"], stacks[f"{name}-guests"]["terraform"]["backend"]["s3"]
        assert made["aws_s3_bucket"]["bucket"]["bucket"] == used["bucket"]
        table = made.get("aws_dynamodb_table", {}).get("locks", {})
        assert table.get("name") == used.get("dynamodb_table")
        allowed = _statements(stacks[f"{name}-state-backend"])["ReadAndWriteStates"]["Resource"]
        assert allowed == [f"${{aws_s3_bucket.bucket.arn}}/{used['key'].rpartition('/')[0]}/*"]


def test_nobody_else_pays_for_the_bindings_of_the_aws_provider(tmp_path: Path) -> None:
    program = f"""
import sys
from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from tests.config.cases import environment
one = environment({GUEST + "state: " + STATES["plain"]!r})
build_app([resolve(one)], outdir={str(tmp_path)!r}).synth()
print(sorted(name for name in sys.modules if name.startswith("cdktf_cdktf_provider_aws")))
"""
    python_path = [str(PROJECT), str(PROJECT / "constructs")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {python_path!r}\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr
    assert (tmp_path / "stacks" / "one-guests" / "cdk.tf.json").is_file()
