"""What an S3 backend needs before the first stack can use it: bucket, lock table, and a policy for who applies.

This module alone imports the bindings of the aws provider, which cost ten seconds and half a gigabyte; so it is
imported only for an environment with ``state.create``.
"""

import json
from typing import Any

from cdktf import TerraformOutput, TerraformResourceLifecycle, TerraformStack
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
)
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags, AwsProviderEndpoints
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioningA, S3BucketVersioningVersioningConfiguration
from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.state import LocalState, S3State
from homelab.stacks.environment_stack import declare_backend, stack_id, state_folder

NAME = "state-backend"

AWS_PROVIDER_VERSION = ">= 5.100.0, < 7.0.0"
"""The versions that have every argument used here; the bindings ask for exactly the one they were generated from."""

OLD_VERSIONS_KEPT_DAYS = 90
OLD_VERSIONS_KEPT_ALWAYS = 10


class StateBackendStack(TerraformStack):
    """Defines ``<environment>-state-backend``: bucket, lock table, and a policy for who applies.

    Decided for you:

    - Its own state is local (``state/``), because the bucket can't hold the state of what makes it. ``docs/state.md``
      tells how to take bucket and table over again where that file is lost.
    - Terraform can't destroy bucket and table (``prevent_destroy``).
    - The bucket is versioned. An old version of a state is kept for 90 days, and its ten newest ones for ever: a
      mistake in a homelab is often found weeks later, where nobody touches it for a year the last good state has to
      be there still, and states are kilobytes.
    - Objects are encrypted with S3's own keys (AES-256), or with ``state.kms_key_id``. The lock table, which holds
      names, times and checksums but no state, is encrypted with the account's own key for DynamoDB.
    - Only the account reaches the bucket: public access is blocked, access control lists are off, requests without
      TLS are denied.
    - The policy allows what Terraform's backend calls for the stacks of this one environment, and nothing else.

    With ``state.endpoint``, another server than Amazon's, it makes the versioned bucket, with
    ``state.dynamodb_endpoint`` the table, and has the policy as an output. The rest is left out. Public access block,
    ownership and IAM are Amazon's (such servers are private by default). The aws provider waits in vain for an expiry
    rule that lacks Amazon's own additions. Encryption at rest is asked for with each object. ``docs/state.md`` has
    MinIO's own commands.

    Credentials come from ``AWS_*`` variables, and need the right to make all this.

    Outputs: ``state_bucket``, ``state_bucket_arn``, ``state_region``, ``state_access_policy`` (JSON), and where they
    are made ``state_lock_table`` and ``state_access_policy_arn``.
    """

    def __init__(self, scope: Construct, *, environment: Environment, state: S3State) -> None:
        super().__init__(scope, stack_id(environment, NAME))
        declare_backend(self, environment, LocalState())
        _declare_provider(self, environment, state)
        bucket, versioning = _bucket(self, state)
        table = _lock_table(self, state)
        policy = _policy(_access_statements(environment, state, bucket.arn, table.arn if table else None))
        if state.endpoint is None:
            _expire_old_versions(self, bucket, versioning)
            _encrypt(self, state, bucket)
            _keep_private(self, bucket)
            applier = IamPolicy(
                self,
                "access",
                name=f"{self.node.id}-access",
                description=f"Read, write and lock the Terraform state of environment {environment.name}.",
                policy=policy,
            )
            _output(
                self,
                "state_access_policy_arn",
                applier.arn,
                "Attach it to the user or role that applies the environment.",
            )
        _output(self, "state_bucket", bucket.bucket, "Bucket of the state.")
        _output(self, "state_bucket_arn", bucket.arn, "ARN of the bucket.")
        _output(self, "state_region", state.region, "Region of the bucket.")
        if table is not None:
            _output(self, "state_lock_table", table.name, "DynamoDB table of the locks.")
        _output(self, "state_access_policy", policy, "What applying the environment needs, and no more.")


def _declare_provider(stack: TerraformStack, environment: Environment, state: S3State) -> None:
    elsewhere = state.endpoint is not None
    AwsProvider(
        stack,
        "aws",
        region=state.region,
        # A tag on everything would be one more thing that other servers may lack.
        default_tags=None
        if elsewhere
        else [AwsProviderDefaultTags(tags={"Environment": environment.name, "ManagedBy": "Terraform"})],
        endpoints=[AwsProviderEndpoints(s3=state.endpoint, dynamodb=state.dynamodb_endpoint)]
        if state.endpoint or state.dynamodb_endpoint
        else None,
        s3_use_path_style=True if elsewhere else None,
        skip_credentials_validation=True if elsewhere else None,
        skip_requesting_account_id=True if elsewhere else None,
        skip_metadata_api_check="true" if elsewhere else None,
        skip_region_validation=True if elsewhere else None,
    )
    # Escape hatch: a prebuilt provider's class has no argument for the version.
    stack.add_override("terraform.required_providers.aws", {"source": "hashicorp/aws", "version": AWS_PROVIDER_VERSION})


def _bucket(stack: TerraformStack, state: S3State) -> tuple[S3Bucket, S3BucketVersioningA]:
    bucket = S3Bucket(stack, "bucket", bucket=state.bucket, lifecycle=TerraformResourceLifecycle(prevent_destroy=True))
    versioning = S3BucketVersioningA(
        stack,
        "versioning",
        bucket=bucket.id,
        versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
    )
    return bucket, versioning


def _expire_old_versions(stack: TerraformStack, bucket: S3Bucket, versioning: S3BucketVersioningA) -> None:
    S3BucketLifecycleConfiguration(
        stack,
        "lifecycle",
        bucket=bucket.id,
        rule=[
            S3BucketLifecycleConfigurationRule(
                id="expire-old-versions",
                status="Enabled",
                filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                noncurrent_version_expiration=[
                    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                        noncurrent_days=OLD_VERSIONS_KEPT_DAYS, newer_noncurrent_versions=OLD_VERSIONS_KEPT_ALWAYS
                    )
                ],
                abort_incomplete_multipart_upload=[
                    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(days_after_initiation=7)
                ],
            )
        ],
        # S3 has noncurrent versions to speak of only once versioning is on.
        depends_on=[versioning],
    )


def _encrypt(stack: TerraformStack, state: S3State, bucket: S3Bucket) -> None:
    S3BucketServerSideEncryptionConfigurationA(
        stack,
        "encryption",
        bucket=bucket.id,
        rule=[
            S3BucketServerSideEncryptionConfigurationRuleA(
                apply_server_side_encryption_by_default=S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                    sse_algorithm="aws:kms" if state.kms_key_id else "AES256", kms_master_key_id=state.kms_key_id
                ),
                # One request to KMS for many objects instead of one for each.
                bucket_key_enabled=True if state.kms_key_id else None,
            )
        ],
    )


def _keep_private(stack: TerraformStack, bucket: S3Bucket) -> None:
    public_access = S3BucketPublicAccessBlock(
        stack,
        "public-access",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    S3BucketOwnershipControls(
        stack, "ownership", bucket=bucket.id, rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced")
    )
    S3BucketPolicy(
        stack,
        "policy",
        bucket=bucket.id,
        policy=_policy(
            [
                {
                    "Sid": "DenyWithoutTls",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [bucket.arn, f"{bucket.arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ]
        ),
        # S3 refuses two changes of who may reach a bucket at the same time.
        depends_on=[public_access],
    )


def _lock_table(stack: TerraformStack, state: S3State) -> DynamodbTable | None:
    if state.lock_table is None:
        return None
    elsewhere = state.dynamodb_endpoint is not None and state.endpoint is not None
    return DynamodbTable(
        stack,
        "locks",
        name=state.lock_table,
        billing_mode="PAY_PER_REQUEST",
        hash_key="LockID",
        attribute=[DynamodbTableAttribute(name="LockID", type="S")],
        # Neither is known to what speaks DynamoDB elsewhere.
        point_in_time_recovery=None if elsewhere else DynamodbTablePointInTimeRecovery(enabled=True),
        server_side_encryption=None if elsewhere else DynamodbTableServerSideEncryption(enabled=True),
        lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
    )


def _access_statements(
    environment: Environment, state: S3State, bucket_arn: str, table_arn: str | None
) -> list[dict[str, Any]]:
    """What Terraform's s3 backend calls for the stacks of one environment, and nothing else.

    A state object is written anew but never deleted, only lock files are. Whoever may list an object's place is told
    that it does not exist (404) instead of being refused (403), which a new state needs.
    """
    folder = state_folder(environment, state)
    statements: list[dict[str, Any]] = [
        {
            "Sid": "ListStates",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [bucket_arn],
            "Condition": {"StringLike": {"s3:prefix": [f"{folder}/*"]}},
        },
        {
            "Sid": "ReadAndWriteStates",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": [f"{bucket_arn}/{folder}/*"],
        },
    ]
    if state.lock_file:
        statements.append(
            {
                "Sid": "RemoveLockFiles",
                "Effect": "Allow",
                "Action": ["s3:DeleteObject"],
                "Resource": [f"{bucket_arn}/{folder}/*.tflock"],
            }
        )
    if table_arn is not None:
        statements.append(
            {
                "Sid": "LockInTable",
                "Effect": "Allow",
                "Action": ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
                "Resource": [table_arn],
                "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{state.bucket}/{folder}/*"]}},
            }
        )
    if state.kms_key_id is not None:
        statements.append(
            {
                "Sid": "UseKey",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": [state.kms_key_id],
            }
        )
    return statements


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _output(stack: TerraformStack, name: str, value: str, description: str) -> None:
    TerraformOutput(stack, name, value=value, description=description, static_id=True)
