"""State in S3 with the real Terraform: what the state-backend stack defines is made, and our backend blocks use it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from homelab.config.loading import load_environment
from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from tests.end_to_end.aws_resources import Maker, UnknownDefinition
from tests.end_to_end.s3_client import Backend, Client
from tests.end_to_end.s3_server import ACCOUNT, REGION, Call, S3Server, serve

pytestmark = pytest.mark.end_to_end

PROJECT = Path(__file__).resolve().parents[2]
KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-96ef-1234567890ab"
VARIANTS: dict[str, dict[str, Any]] = {
    "lock-table": {"lock_table": "homelab-locks"},
    "lock-file": {"lock_file": True, "kms_key_id": KMS_KEY},
    "elsewhere": {"lock_file": True, "lock_table": "elsewhere-locks", "endpoint": "URL", "dynamodb_endpoint": "URL"},
}
"""Two on Amazon's S3, and one on another server, whose addresses are in the backend block."""

Clients = Callable[..., Client]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with serve(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def synthesized(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stacks of all variants, synthesized at once."""
    example = load_environment(PROJECT / "examples" / "state-backend.yaml").model_dump()
    environments = [
        Environment.model_validate(
            example
            | {
                "name": name,
                "state": {"backend": "s3", "bucket": f"{name}-tfstate", "create": True} | _at(server, state),
            }
        )
        for name, state in VARIANTS.items()
    ]
    outdir = tmp_path_factory.mktemp("cdktf.out")
    build_app(map(resolve, environments), outdir=outdir).synth()
    return outdir


def _at(server: S3Server, state: dict[str, Any]) -> dict[str, Any]:
    return {key: server.url if value == "URL" else value for key, value in state.items()}


@pytest.fixture(scope="module")
def backends(server: S3Server, synthesized: Path) -> dict[str, Backend]:
    made = {}
    for name in VARIANTS:
        stacks = {
            path.parent.name.removeprefix(f"{name}-"): json.loads(path.read_text())
            for path in synthesized.glob(f"stacks/{name}-*/cdk.tf.json")
        }
        made[name] = Backend(name, server, stacks, Maker(server.client).make(stacks["state-backend"]))
        server.allow(made[name].access_key, json.loads(made[name].outputs["state_access_policy"]))
    return made


@pytest.fixture(params=VARIANTS)
def backend(request: pytest.FixtureRequest, backends: dict[str, Backend]) -> Backend:
    return backends[request.param]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Clients]:
    made: list[Client] = []

    def make(backend: Backend, stack: str = "guests", access_key: str | None = None) -> Client:
        made.append(Client(tmp_path / f"client-{len(made)}", backend, stack, access_key))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_the_bucket_has_every_setting_of_the_stack(backends: dict[str, Backend], server: S3Server) -> None:
    s3 = server.client("s3")
    for name in ("lock-table", "lock-file"):
        bucket = backends[name].bucket
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
        ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90, "NewerNoncurrentVersions": 10}
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
        assert "Expiration" not in rule
    tables = server.client("dynamodb")
    table = tables.describe_table(TableName="homelab-locks")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "LockID", "KeyType": "HASH"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSEDescription"]["Status"] == "ENABLED"
    recovery = tables.describe_continuous_backups(TableName="homelab-locks")["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_what_the_stack_defines_and_nobody_makes_is_an_error(backends: dict[str, Backend], server: S3Server) -> None:
    stack = json.loads(json.dumps(backends["lock-table"].stacks["state-backend"]))
    stack["resource"]["aws_s3_bucket"]["bucket"] |= {"bucket": "another", "object_lock_enabled": True}
    with pytest.raises(UnknownDefinition, match="object_lock_enabled"):
        Maker(server.client).make(stack)
    stack["resource"]["aws_s3_bucket_logging"] = {}
    with pytest.raises(UnknownDefinition, match="aws_s3_bucket_logging"):
        Maker(server.client).make(stack)


def test_the_policy_is_enough_to_init_apply_and_plan_and_no_more_than_enough(backend: Backend, client: Clients) -> None:
    first = client(backend, "templates")
    first.init()
    first.apply("one")
    assert "No changes" in first.succeed("plan", "-input=false")
    first.succeed("destroy", "-auto-approve", "-input=false")
    gate = backend.server.gate
    assert [call for call in gate.refused if call.access_key == backend.access_key] == []
    allowed = {action for statement in gate.policies[backend.access_key]["Statement"] for action in statement["Action"]}
    used = {call.action for call in gate.calls if call.access_key == backend.access_key}
    # KMS is asked by S3, on behalf of whoever reads and writes; who one is needs no permission.
    assert {action for action in allowed if not action.startswith("kms:")} == used - {"sts:GetCallerIdentity"}


def test_a_second_client_is_refused_and_told_who_holds_the_lock(backend: Backend, client: Clients) -> None:
    first, second = client(backend), client(backend)
    first.init()
    second.init()
    running = first.start_apply("slow")
    held = backend.locks()
    second.write("impatient")
    refused = second.run("apply", "-auto-approve", "-input=false")
    first.finish(running)

    assert refused.returncode == 1
    assert "Error acquiring the state lock" in refused.stderr
    identity = held[0]["ID"]
    assert f"ID:        {identity}" in refused.stderr
    assert f"Path:      {backend.bucket}/{backend.key('guests')}" in refused.stderr
    assert "Operation: OperationTypeApply" in refused.stderr
    assert f"Who:       {held[0]['Who']}" in refused.stderr
    # The variant elsewhere locks with table and file; the others with one of them.
    assert [lock["ID"] for lock in held] == [identity] * (2 if backend.name == "elsewhere" else 1)
    # Refused while the lock was held, it changed nothing, and may apply when the lock is gone.
    assert first.state_text() == "slow"
    assert backend.locks() == []
    second.succeed("apply", "-auto-approve", "-input=false")
    assert first.state_text() == "impatient"


def test_state_is_encrypted_and_every_apply_keeps_the_version_before(backend: Backend, client: Clients) -> None:
    worker = client(backend, "templates")
    worker.init()
    before = len(backend.versions("templates"))
    worker.apply("one")
    worker.apply("two")
    assert len(backend.versions("templates")) == before + 2

    s3 = backend.server.client("s3")
    newest = s3.get_object(Bucket=backend.bucket, Key=backend.key("templates"))
    assert "two" in newest["Body"].read().decode()
    if backend.name == "lock-file":
        assert newest["ServerSideEncryption"] == "aws:kms"
        assert newest["SSEKMSKeyId"] == KMS_KEY
    else:
        assert newest["ServerSideEncryption"] == "AES256"


def test_terraform_asks_for_encryption_with_every_write(backends: dict[str, Backend]) -> None:
    for backend in backends.values():
        for name in ("guests", "templates"):
            assert backend.stacks[name]["terraform"]["backend"]["s3"]["encrypt"] is True


def test_each_stack_has_a_state_of_its_own(backends: dict[str, Backend], client: Clients) -> None:
    backend = backends["lock-table"]
    guests, templates = client(backend, "guests"), client(backend, "templates")
    for worker, text in ((guests, "a guest"), (templates, "a template")):
        worker.init()
        worker.apply(text)
    assert guests.state_text() == "a guest"
    assert templates.state_text() == "a template"
    # One stack may be applied while another one is.
    running = guests.start_apply("slow")
    templates.apply("meanwhile")
    guests.finish(running)
    assert templates.state_text() == "meanwhile"


def test_nobody_reaches_the_state_of_another_environment(backends: dict[str, Backend], client: Clients) -> None:
    stranger = client(backends["lock-file"], access_key=backends["lock-table"].access_key)
    refused = stranger.run("init", "-input=false", *stranger.init_options)
    assert refused.returncode == 1
    assert "StatusCode: 403" in refused.stderr


def test_the_policy_lets_nobody_remove_a_state(backend: Backend, client: Clients) -> None:
    worker = client(backend)
    worker.init()
    worker.apply("kept")
    arn = f"arn:aws:s3:::{backend.bucket}/{backend.key('guests')}"
    context = {"aws:SecureTransport": "true"}
    gate = backend.server.gate
    assert gate.allows(Call(backend.access_key, "s3:GetObject", arn, context))
    assert not gate.allows(Call(backend.access_key, "s3:DeleteObject", arn, context))
    assert not gate.allows(Call(backend.access_key, "s3:GetObjectVersion", arn, context))
    listing = Call(backend.access_key, "s3:ListBucket", f"arn:aws:s3:::{backend.bucket}", context)
    assert not gate.allows(listing)
    assert not gate.allows(replace(listing, context=context | {"s3:prefix": "homelab/"}))
    assert gate.allows(replace(listing, context=context | {"s3:prefix": f"homelab/{backend.name}/"}))


@pytest.mark.parametrize("name", ["lock-table", "lock-file"])
def test_a_request_without_tls_is_denied_to_everybody(
    name: str, backends: dict[str, Backend], server: S3Server
) -> None:
    bucket = backends[name].bucket
    assert server.client("s3").list_objects_v2(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    in_clear = server.client("s3", url=server.clear_url)
    with pytest.raises(in_clear.exceptions.ClientError, match="AccessDenied"):
        in_clear.list_objects_v2(Bucket=bucket)


def test_a_lock_left_by_a_killed_terraform_is_released_by_its_id(backend: Backend, client: Clients) -> None:
    victim, heir = client(backend), client(backend)
    victim.init()
    heir.init()
    victim.start_apply("never finished")
    victim.stop()
    (left,) = {lock["ID"] for lock in backend.locks()}

    refused = heir.run("apply", "-auto-approve", "-input=false")
    assert "Error acquiring the state lock" in refused.stderr
    assert left in refused.stderr
    heir.succeed("force-unlock", "-force", left)
    assert backend.locks() == []
    heir.apply("after the accident")
    assert heir.state_text() == "after the accident"


def test_an_earlier_version_comes_back_with_state_push(backend: Backend, client: Clients) -> None:
    worker = client(backend)
    worker.init()
    worker.apply("good")
    good = backend.versions("guests")[0]["VersionId"]
    worker.apply("bad")

    s3 = backend.server.client("s3")
    earlier = s3.get_object(Bucket=backend.bucket, Key=backend.key("guests"), VersionId=good)["Body"].read()
    (worker.folder / "earlier.tfstate").write_bytes(earlier)
    assert worker.run("state", "push", "earlier.tfstate").returncode == 1, "an older serial needs -force"
    worker.succeed("state", "push", "-force", "earlier.tfstate")
    assert worker.state_text() == "good"


def test_local_state_moves_to_s3_and_back(backend: Backend, client: Clients) -> None:
    backend.forget("templates")
    worker = client(backend, "templates")
    local = {"backend": {"local": {"path": "state/templates.tfstate"}}}
    worker.write("made here", local)
    worker.succeed("init", "-input=false")
    worker.succeed("apply", "-auto-approve", "-input=false")
    assert backend.versions("templates") == []

    worker.write("made here")
    worker.init("-migrate-state", "-force-copy")
    assert "No changes" in worker.succeed("plan", "-input=false")
    assert len(backend.versions("templates")) == 1

    (worker.folder / "state" / "templates.tfstate").unlink()
    worker.write("made here", local)
    worker.succeed("init", "-input=false", "-migrate-state", "-force-copy")
    assert "No changes" in worker.succeed("plan", "-input=false")


def test_a_forgotten_local_state_is_pushed(backends: dict[str, Backend], client: Clients) -> None:
    backend = backends["lock-file"]
    backend.forget("templates")
    worker = client(backend, "templates")
    worker.write("made here", {"backend": {"local": {"path": "state/old.tfstate"}}})
    worker.succeed("init", "-input=false")
    worker.succeed("apply", "-auto-approve", "-input=false")
    shutil.rmtree(worker.folder / ".terraform")

    worker.write("made here")
    worker.init()
    assert "1 to add" in worker.succeed("plan", "-input=false"), "Terraform has forgotten where the state was"
    worker.succeed("state", "push", str(worker.folder / "state" / "old.tfstate"))
    assert "No changes" in worker.succeed("plan", "-input=false")
