"""Makes on AWS what the synthesized state-backend stack defines, in place of Terraform and its aws provider.

Each resource type is one function that takes every argument it knows out of the resource. An argument or a type that is
left over is an error: what the stack defines is either made or said, never passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([a-z0-9_]+)\.([A-Za-z0-9_-]+)\.([a-z_]+)\}")


class UnknownDefinition(Exception):
    """The stack defines something that this module does not know how to make."""


class Arguments:
    """The arguments of one resource or block, each taken once."""

    def __init__(self, place: str, values: Mapping[str, Any]) -> None:
        self.place = place
        self._left = dict(values)

    def take(self, name: str, default: Any = None) -> Any:
        """The value of an argument, ``default`` when it is not there."""
        return self._left.pop(name, default)

    def block(self, name: str) -> Arguments:
        """A block that is there exactly once; cdktf writes it as an object or as a list of one."""
        value = self._left.pop(name, None)
        values = value if isinstance(value, list) else [value]
        if len(values) != 1 or not isinstance(values[0], dict):
            raise UnknownDefinition(f"{self.place}: not one block {name}, but {value!r}")
        return Arguments(f"{self.place}.{name}", values[0])

    def end(self) -> None:
        """Nothing may be left.

        Raises:
            UnknownDefinition: something is.
        """
        if self._left:
            raise UnknownDefinition(f"{self.place}: nothing here makes {self._left}")


class Maker:
    """Makes the resources of one stack with clients of one account; ``attributes`` are those that others refer to."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.s3, self.dynamodb, self.iam = (client(service) for service in ("s3", "dynamodb", "iam"))
        self.attributes: dict[tuple[str, str, str], str] = {}
        self.region = ""
        self.tags: list[dict[str, str]] = []

    def make(self, stack: Mapping[str, Any]) -> dict[str, Any]:
        """Make everything in ``stack``, a synthesized ``cdk.tf.json``.

        Returns:
            The stack's outputs.

        Raises:
            UnknownDefinition: the stack has a provider, a resource or an argument that is not known here.
        """
        top = Arguments("stack", stack)
        for ignored in ("//", "terraform"):
            top.take(ignored)
        self._provider(top.block("provider").block("aws"))
        resources, outputs = top.take("resource"), top.take("output")
        top.end()
        makers = {
            "aws_s3_bucket": self._bucket,
            "aws_s3_bucket_versioning": self._versioning,
            "aws_s3_bucket_lifecycle_configuration": self._lifecycle,
            "aws_s3_bucket_server_side_encryption_configuration": self._encryption,
            "aws_s3_bucket_public_access_block": self._public_access_block,
            "aws_s3_bucket_ownership_controls": self._ownership,
            "aws_s3_bucket_policy": self._bucket_policy,
            "aws_dynamodb_table": self._table,
            "aws_iam_policy": self._policy,
        }
        if unknown := set(resources) - set(makers):
            raise UnknownDefinition(f"nothing here makes {', '.join(sorted(unknown))}")
        # In this order every reference is to what is there already.
        for kind in sorted(resources, key=[*sorted(makers, key=lambda name: name not in _REFERRED_TO)].index):
            for name, values in resources[kind].items():
                arguments = Arguments(f"{kind}.{name}", self._resolved(values))
                for meta in ("//", "lifecycle", "depends_on"):
                    arguments.take(meta)
                for attribute, value in makers[kind](arguments).items():
                    self.attributes[kind, name, attribute] = value
                arguments.end()
        return {name: self._resolved(output["value"]) for name, output in outputs.items()}

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._resolved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        return (
            _REFERENCE.sub(lambda match: self.attributes[match[1], match[2], match[3]], value)
            if isinstance(value, str)
            else value
        )

    def _provider(self, provider: Arguments) -> None:
        self.region = provider.take("region")
        elsewhere = provider.take("s3_use_path_style")
        if elsewhere:
            for name in (
                "endpoints",
                "skip_credentials_validation",
                "skip_requesting_account_id",
                "skip_metadata_api_check",
            ):
                provider.take(name)
            provider.take("skip_region_validation")
        else:
            tags = provider.block("default_tags")
            self.tags = [{"Key": key, "Value": value} for key, value in tags.take("tags").items()]
            tags.end()
        provider.end()

    def _bucket(self, arguments: Arguments) -> dict[str, str]:
        name = arguments.take("bucket")
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region})
        if self.tags:
            self.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": self.tags})
        return {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}"}

    def _versioning(self, arguments: Arguments) -> dict[str, str]:
        configuration = arguments.block("versioning_configuration")
        self.s3.put_bucket_versioning(
            Bucket=arguments.take("bucket"), VersioningConfiguration={"Status": configuration.take("status")}
        )
        configuration.end()
        return {}

    def _lifecycle(self, arguments: Arguments) -> dict[str, str]:
        rule = arguments.block("rule")
        chosen, old, unfinished = (
            rule.block(name)
            for name in ("filter", "noncurrent_version_expiration", "abort_incomplete_multipart_upload")
        )
        self.s3.put_bucket_lifecycle_configuration(
            Bucket=arguments.take("bucket"),
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": rule.take("id"),
                        "Status": rule.take("status"),
                        "Filter": {"Prefix": chosen.take("prefix")},
                        "NoncurrentVersionExpiration": {
                            "NoncurrentDays": old.take("noncurrent_days"),
                            "NewerNoncurrentVersions": old.take("newer_noncurrent_versions"),
                        },
                        "AbortIncompleteMultipartUpload": {
                            "DaysAfterInitiation": unfinished.take("days_after_initiation")
                        },
                    }
                ]
            },
        )
        for block in (rule, chosen, old, unfinished):
            block.end()
        return {}

    def _encryption(self, arguments: Arguments) -> dict[str, str]:
        rule = arguments.block("rule")
        default = rule.block("apply_server_side_encryption_by_default")
        by_default = {"SSEAlgorithm": default.take("sse_algorithm")}
        if key := default.take("kms_master_key_id"):
            by_default["KMSMasterKeyID"] = key
        default.end()
        settings = {
            "ApplyServerSideEncryptionByDefault": by_default,
            "BucketKeyEnabled": rule.take("bucket_key_enabled", default=False),
        }
        self.s3.put_bucket_encryption(
            Bucket=arguments.take("bucket"), ServerSideEncryptionConfiguration={"Rules": [settings]}
        )
        rule.end()
        return {}

    def _public_access_block(self, arguments: Arguments) -> dict[str, str]:
        self.s3.put_public_access_block(
            Bucket=arguments.take("bucket"),
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": arguments.take("block_public_acls"),
                "IgnorePublicAcls": arguments.take("ignore_public_acls"),
                "BlockPublicPolicy": arguments.take("block_public_policy"),
                "RestrictPublicBuckets": arguments.take("restrict_public_buckets"),
            },
        )
        return {}

    def _ownership(self, arguments: Arguments) -> dict[str, str]:
        rule = arguments.block("rule")
        self.s3.put_bucket_ownership_controls(
            Bucket=arguments.take("bucket"),
            OwnershipControls={"Rules": [{"ObjectOwnership": rule.take("object_ownership")}]},
        )
        rule.end()
        return {}

    def _bucket_policy(self, arguments: Arguments) -> dict[str, str]:
        self.s3.put_bucket_policy(Bucket=arguments.take("bucket"), Policy=arguments.take("policy"))
        return {}

    def _table(self, arguments: Arguments) -> dict[str, str]:
        name = arguments.take("name")
        attribute = arguments.block("attribute")
        settings: dict[str, Any] = {}
        if self.tags:
            settings["Tags"] = self.tags
            encryption, recovery = arguments.block("server_side_encryption"), arguments.block("point_in_time_recovery")
            settings["SSESpecification"] = {"Enabled": encryption.take("enabled")}
        table = self.dynamodb.create_table(
            TableName=name,
            BillingMode=arguments.take("billing_mode"),
            KeySchema=[{"AttributeName": arguments.take("hash_key"), "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": attribute.take("name"), "AttributeType": attribute.take("type")}],
            **settings,
        )
        attribute.end()
        if self.tags:
            self.dynamodb.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery.take("enabled")},
            )
            encryption.end()
            recovery.end()
        return {"arn": table["TableDescription"]["TableArn"], "name": name, "id": name}

    def _policy(self, arguments: Arguments) -> dict[str, str]:
        document = arguments.take("policy")
        json.loads(document)
        made = self.iam.create_policy(
            PolicyName=arguments.take("name"),
            PolicyDocument=document,
            Description=arguments.take("description"),
            Tags=self.tags,
        )
        return {"arn": made["Policy"]["Arn"]}


_REFERRED_TO = ("aws_s3_bucket", "aws_dynamodb_table")
