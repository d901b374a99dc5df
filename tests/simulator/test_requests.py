"""What every request has in common: parameters, unknown paths, types of answers, TLS."""

from __future__ import annotations

import ssl

import httpx
import pytest

from simulator import Simulator
from tests.simulator.api_client import Api

NOT_DEFINED = "property is not defined in schema and the schema does not allow additional properties"


def test_an_unknown_parameter_is_refused_by_name(api: Api) -> None:
    refusal = api.refused("POST", "/pools", poolid="lab", colour="red")
    assert (refusal.status, refusal.errors) == (400, {"colour": NOT_DEFINED})


def test_a_missing_parameter_is_named(api: Api) -> None:
    assert api.refused("POST", "/pools").errors == {"poolid": "property is missing and it is not optional"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cores", "two", "type check ('integer') failed - got 'two'"),
        ("onboot", "maybe", "type check ('boolean') failed - got 'maybe'"),
        ("cpulimit", "much", "type check ('number') failed - got 'much'"),
    ],
)
def test_a_value_of_another_type_is_refused(api: Api, name: str, value: str, message: str) -> None:
    assert api.refused("POST", "/nodes/pve/qemu", vmid=100, **{name: value}).errors == {name: message}


def test_numbers_are_read_back_as_numbers_and_text_as_text(api: Api) -> None:
    api.add_machine(cores=2, memory=1024, onboot="yes")
    api.put("/nodes/pve/qemu/100/config", cores=3)
    config = api.get("/nodes/pve/qemu/100/config")
    assert (config["cores"], config["memory"], config["onboot"]) == (3, "1024", 1)


def test_repeated_delete_keys_are_one_list(api: Api) -> None:
    api.add_machine(cores=2, tags="a", onboot=1)
    api.http.put("/nodes/pve/qemu/100/config", data={"delete": ["cores", "onboot"]}).raise_for_status()
    config = api.get("/nodes/pve/qemu/100/config")
    assert not {"cores", "onboot"} & config.keys()
    assert config["tags"] == "a"


def test_a_repeated_key_that_is_no_list_is_refused(api: Api) -> None:
    answer = api.http.post("/pools", data={"poolid": "lab", "comment": ["a", "b"]})
    assert answer.json()["errors"] == {"comment": "type check ('string') failed - got ARRAY"}


def test_json_bodies_are_understood(api: Api) -> None:
    api.http.post("/nodes/pve/qemu", json={"vmid": 100, "cores": 2, "onboot": True}).raise_for_status()
    assert api.get("/nodes/pve/qemu/100/config")["onboot"] == 1


def test_a_name_of_the_path_may_be_repeated_but_not_contradicted(api: Api) -> None:
    api.download("https://x/a.iso", "iso", node="pve")
    refusal = api.refused(
        "POST",
        "/nodes/pve/storage/local/download-url",
        node="pve2",
        url="https://x/b.iso",
        content="iso",
        filename="b.iso",
    )
    assert refusal.errors == {"node": "duplicate parameter (already defined in URI) with conflicting values!"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_is_not_implemented_answers_501_and_is_listed(api: Api, simulator: Simulator, method: str) -> None:
    refusal = api.refused(method, "/cluster/ceph/flags")
    assert refusal.status == 501
    assert refusal.message == f"Method '{method} /cluster/ceph/flags' not implemented"
    assert simulator.unimplemented == [f"{method} /cluster/ceph/flags"]


def test_an_unknown_node_can_not_be_resolved(api: Api) -> None:
    refusal = api.refused("GET", "/nodes/nope/qemu")
    assert refusal.status == 500
    assert refusal.message.startswith("hostname lookup 'nope' failed")


def test_the_certificate_verifies_only_with_the_authority(simulator: Simulator) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(simulator.endpoint)
    httpx.get(simulator.endpoint, verify=ssl.create_default_context(cafile=str(simulator.ca_bundle)))


def test_tls_before_1_3_is_refused(simulator: Simulator) -> None:
    context = ssl.create_default_context(cafile=str(simulator.ca_file))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.ConnectError):
        httpx.get(simulator.endpoint, verify=context)


def test_requests_are_recorded_without_secrets(api: Api, simulator: Simulator) -> None:
    api.post("/access/users", userid="alice@pve", password="very-secret")
    record = simulator.requests[-1]
    assert (record.method, record.path, record.status) == ("POST", "/access/users", 200)
    assert record.parameters["password"] == ["***"]


def test_the_hook_sees_every_request_and_its_findings_are_kept() -> None:
    seen = []

    def hook(method: str, path: str, sent: object) -> list[str]:
        seen.append((method, path, sent))
        return ["wrong"] if path.endswith("/pools") else []

    with Simulator(task_seconds=0, request_hook=hook) as simulator:
        api = Api(simulator, simulator.api_token)
        api.get("/version")
        api.post("/pools", poolid="lab")
        api.http.close()
        assert simulator.violations == ["POST /pools: wrong"]
    assert seen == [("GET", "/version", {}), ("POST", "/pools", {"poolid": ["lab"]})]


def test_nothing_stays_behind_when_it_stops() -> None:
    simulator = Simulator(task_seconds=0)
    folder = simulator.ca_file.parent
    with simulator:
        environment = simulator.environment()
        assert folder.is_dir()
        assert oct(simulator.ssh_private_key_file.stat().st_mode)[-3:] == "600"
    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(environment["PROXMOX_VE_ENDPOINT"])
