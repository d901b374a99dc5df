"""What an environment may say about its state, each refusal in its own words."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from homelab.config.problems import Refused
from homelab.config.state import LocalState, S3State, State
from tests.config.cases import said

STATE: TypeAdapter[LocalState | S3State] = TypeAdapter(State)
KEY = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-96ef-1234567890ab"


def _s3(**settings: object) -> S3State:
    state = STATE.validate_python({"backend": "s3", "bucket": "homelab", **settings})
    assert isinstance(state, S3State)
    return state


def _refusal(**settings: object) -> Refused:
    with pytest.raises(ValidationError) as caught:
        STATE.validate_python(settings)
    (error,) = caught.value.errors()
    refused = error["ctx"]["error"]
    assert isinstance(refused, Refused)
    return refused


def test_state_is_encrypted_in_us_east_2_and_not_made_unless_told_otherwise() -> None:
    state = _s3()
    assert (state.region, state.prefix) == ("us-east-2", "homelab")
    assert state.encrypt
    assert not state.create
    assert (state.lock_table, state.lock_file, state.endpoint, state.kms_key_id) == (None, False, None, None)


@pytest.mark.parametrize("directory", ["state", "terraform/state", "/srv/state", "cdktf.outside"])
def test_a_folder_of_local_state(directory: str) -> None:
    state = STATE.validate_python({"backend": "local", "directory": directory})
    assert isinstance(state, LocalState)
    assert state.directory == directory


@pytest.mark.parametrize("directory", ["cdktf.out", "cdktf.out/state", "./cdktf.out/state"])
def test_local_state_is_not_thrown_away_with_the_synthesized_stacks(directory: str) -> None:
    refused = _refusal(backend="local", directory=directory)
    assert refused.message == "state inside cdktf.out is lost with it"
    assert refused.fix == "write state"


@pytest.mark.parametrize("directory", ["~/state", "$HOME/state", "state/${env}"])
def test_terraform_takes_a_folder_literally(directory: str) -> None:
    assert "literally" in _refusal(backend="local", directory=directory).message


@pytest.mark.parametrize("bucket", ["tfstate", "a-1", "home.arpa.tfstate", "a" * 63])
def test_the_name_of_a_bucket(bucket: str) -> None:
    assert _s3(bucket=bucket).bucket == bucket


@pytest.mark.parametrize(
    "bucket", ["ab", "a" * 64, "TfState", "tf_state", "-tfstate", "tfstate-", "tf..state", "tf-.state", "tfstate\n"]
)
def test_no_name_of_a_bucket(bucket: str) -> None:
    assert _refusal(backend="s3", bucket=bucket).message == "this is not the name of a bucket"


@pytest.mark.parametrize("prefix", ["/homelab", "homelab/", "home//lab", "", "home lab", "homelab/*"])
def test_no_prefix_of_objects(prefix: str) -> None:
    refused = _refusal(backend="s3", bucket="homelab", prefix=prefix)
    assert refused.message == "this is not a prefix of objects"


def test_a_prefix_may_have_parts() -> None:
    assert _s3(prefix="teams/home_1/lab").prefix == "teams/home_1/lab"


@pytest.mark.parametrize(
    "endpoint",
    ["https://minio.home.arpa:9000", "https://minio.home.arpa/", "http://127.0.0.1:9000", "https://[fd00::1]:9000"],
)
def test_the_address_of_a_server(endpoint: str) -> None:
    assert _s3(endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    ["minio.home.arpa:9000", "https://user:password@minio.home.arpa", "https://minio.home.arpa/s3", "ftp://minio"],
)
def test_no_address_of_a_server(endpoint: str) -> None:
    refused = _refusal(backend="s3", bucket="homelab", endpoint=endpoint)
    assert refused.message == "this is not the address of a server"
    assert "without user, password or path" in refused.allowed


@pytest.mark.parametrize("key", [KEY, "arn:aws:kms:us-east-2:111122223333:key/mrk-" + "0" * 32])
def test_the_arn_of_a_kms_key(key: str) -> None:
    assert _s3(kms_key_id=key).kms_key_id == key


@pytest.mark.parametrize(
    "key",
    [
        "1234abcd-12ab-34cd-96ef-1234567890ab",
        "alias/homelab",
        "arn:aws:kms:us-east-2:111122223333:alias/homelab",
        # Not a random UUID, which Terraform's backend notices at init.
        KEY.replace("96ef", "56ef"),
    ],
)
def test_no_arn_of_a_kms_key(key: str) -> None:
    assert _refusal(backend="s3", bucket="homelab", kms_key_id=key).message == "this is not the ARN of a KMS key"


def test_a_lock_table_elsewhere_needs_its_address() -> None:
    settings = {"backend": "s3", "bucket": "homelab", "endpoint": "https://minio.home.arpa:9000", "lock_table": "locks"}
    refused = _refusal(**settings)
    assert "has no DynamoDB" in refused.message
    assert refused.fix == "write lock_file: true instead of lock_table"
    assert STATE.validate_python(settings | {"dynamodb_endpoint": "https://scylla.home.arpa:8043"})


def test_an_address_of_no_table() -> None:
    refused = _refusal(backend="s3", bucket="homelab", dynamodb_endpoint="https://scylla.home.arpa:8043")
    assert refused.fix == "name the lock_table, or remove dynamodb_endpoint"


def test_amazon_always_encrypts() -> None:
    assert _refusal(backend="s3", bucket="homelab", encrypt=False).fix == "remove encrypt"
    assert not _s3(endpoint="https://minio.home.arpa:9000", encrypt=False).encrypt


def test_a_key_without_encryption() -> None:
    settings = {"endpoint": "https://minio.home.arpa:9000", "encrypt": False, "kms_key_id": KEY}
    assert _refusal(backend="s3", bucket="homelab", **settings).allowed == "kms_key_id or encrypt: false"


def test_state_stored_in_clear_text_is_a_warning() -> None:
    guest = "containers: {dns: {os: debian-12, vm_id: 9200}}\n"
    server = "backend: s3, bucket: homelab, lock_file: true, endpoint: 'https://minio.home.arpa:9000'"
    assert "would lie on the server in clear text" in said(f"{guest}state: {{{server}, encrypt: false}}")
    assert "clear text" not in said(f"{guest}state: {{{server}, encrypt: true}}")


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.0.0.1", False), ("[::1]", False), ("localhost", False), ("localhost.example", True), ("10.0.0.5", True)],
)
def test_state_sent_in_clear_text_is_a_warning_but_on_this_machine(host: str, warned: bool) -> None:
    guest = "containers: {dns: {os: debian-12, vm_id: 9200}}\n"
    text = said(f"{guest}state: {{backend: s3, bucket: homelab, lock_file: true, endpoint: 'http://{host}:9000'}}")
    assert ("would go over the network in clear text" in text) == warned
