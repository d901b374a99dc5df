"""The secrets of an environment: made once, kept whole, for their owner alone."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from homelab.provisioning.script import SecretKind, StoredSecret
from operations.provisioning.secret_store import SecretStore, SecretStoreError


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / "state" / "dev.secrets.json")


def spec(name: str = "db/root", kind: SecretKind = "password", length: int = 32) -> StoredSecret:
    return StoredSecret("ROOT", name, kind, length)


def test_a_secret_is_made_once_and_stays(store: SecretStore) -> None:
    first = store.get_or_create(spec())

    assert store.get_or_create(spec(length=16)) == first
    assert store.get("db/root") == first
    assert SecretStore(store.path).get("db/root") == first


def test_two_secrets_are_two(store: SecretStore) -> None:
    values = {store.get_or_create(spec(f"db/{number}")) for number in range(20)}

    assert len(values) == 20
    assert store.names() == tuple(sorted(f"db/{number}" for number in range(20)))


@pytest.mark.parametrize("length", [8, 31, 64])
def test_the_kinds(store: SecretStore, length: int) -> None:
    password = store.get_or_create(spec("a", "password", length))
    hexadecimal = store.get_or_create(spec("b", "hex", length))
    encoded = store.get_or_create(spec("c", "base64", length))

    assert (len(password), password.isalnum(), password.isascii()) == (length, True, True)
    assert (len(hexadecimal), set(hexadecimal) <= set("0123456789abcdef")) == (length, True)
    assert len(base64.b64decode(encoded, validate=True)) == length


def test_the_file_is_for_its_owner_alone(store: SecretStore) -> None:
    store.get_or_create(spec())
    assert store.path.stat().st_mode & 0o777 == 0o600

    store.path.chmod(0o644)
    store.get("db/root")
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_not_there_says_which_are(store: SecretStore) -> None:
    with pytest.raises(SecretStoreError, match="has no secret db/root") as empty:
        store.get("db/root")
    assert empty.value.fix[0] == "it has: none"

    store.get_or_create(spec("redis/default"))
    with pytest.raises(SecretStoreError) as other:
        store.get("db/root")
    assert other.value.fix[0] == "it has: redis/default"


def test_a_removed_secret_gets_another_value(store: SecretStore) -> None:
    first = store.get_or_create(spec())
    store.remove("db/root")
    store.remove("db/root")

    assert store.names() == ()
    assert store.get_or_create(spec()) != first


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"secrets": {}}', '{"schema_version": 2, "secrets": {}}',
             '{"schema_version": 1, "secrets": {"a": 1}}'],
)  # fmt: skip
def test_a_file_that_can_t_be_read_is_not_written_over(store: SecretStore, text: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(text)

    for use in (lambda: store.get_or_create(spec()), store.names, lambda: store.remove("a")):
        with pytest.raises(SecretStoreError, match=r"can't be read .*nothing was changed") as refused:
            use()
        assert refused.value.fix[0] == "restore the file from the backup of the state"
    assert store.path.read_text() == text


def test_a_full_disk_loses_nothing(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.get_or_create(spec())

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SecretStoreError, match="can't be written: No space left on device; it is as it was"):
        store.get_or_create(spec("other"))
    monkeypatch.undo()
    assert store.names() == ("db/root",)
    assert store.get("db/root") == kept
    assert sorted(path.name for path in store.path.parent.iterdir()) == [".dev.secrets.json.lock", "dev.secrets.json"]


def test_many_at_once_lose_nothing(store: SecretStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        values = list(
            pool.map(lambda number: SecretStore(store.path).get_or_create(spec(f"s{number % 10}")), range(80))
        )

    kept = json.loads(store.path.read_text())["secrets"]
    assert len(kept) == 10
    assert set(values) == set(kept.values())


def test_a_kind_that_is_none_is_named(store: SecretStore) -> None:
    wanted = StoredSecret("ROOT", "db/root", "rot13")  # type: ignore[arg-type]
    with pytest.raises(SecretStoreError, match="db/root: there is no kind of secret 'rot13'"):
        store.get_or_create(wanted)


@pytest.mark.parametrize(
    "value", ["it's mine", "short", 'quo"ted-value', "dollar$value", "line\nbreak-value", "a" * 4097, "colon:value"]
)
def test_a_value_of_somebody_that_no_script_can_be_given(store: SecretStore, value: str) -> None:
    store.get_or_create(spec())
    document = json.loads(store.path.read_text())
    document["secrets"]["db/root"] = value
    store.path.write_text(json.dumps(document))
    with pytest.raises(
        SecretStoreError, match=r"the secret db/root in .* is none that a script can be given"
    ) as refused:
        store.get_or_create(spec())
    assert value not in str(refused.value)
    assert refused.value.fix[0] == "write a value there of 8 to 4096 letters, digits and + / = _ . -"


@pytest.mark.parametrize("value", ["correct-horse.battery_staple", "a" * 4096, "d2hhdGV2ZXI/+w=="])
def test_a_value_of_somebody_that_is_kept(store: SecretStore, value: str) -> None:
    store.get_or_create(spec())
    document = json.loads(store.path.read_text())
    document["secrets"]["db/root"] = value
    store.path.write_text(json.dumps(document))
    assert store.get_or_create(spec()) == value
