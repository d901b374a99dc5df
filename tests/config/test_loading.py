"""Files become environments, or problems: all of them at once, each with its place."""

# ruff: noqa: E501 (files are written as they are read)

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from homelab.config.loading import check_files, load_environment, load_environments
from homelab.config.problems import InvalidEnvironment, Severity, render

PROXMOX = """\
proxmox:
  endpoint: https://pve.home.arpa:8006
  nodes:
    pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}
"""
GUEST = "containers: {dns: {os: debian-12, vm_id: 9200}}\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def of(text: str, name: str = "dev.yaml") -> Path:
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return of


def said(*paths: Path) -> list[str]:
    """What is said about files, each with its line and column but without the folder."""
    return [render(problem).replace(f"{paths[0].parent}/", "") for problem in check_files(paths)]


def test_an_environment_is_called_like_its_file(write: Any) -> None:
    environment = load_environment(write(PROXMOX + GUEST, "staging.yml"))
    assert environment.name == "staging"
    assert environment.containers["dns"].vm_id == 9200


def test_a_name_in_the_file_is_refused(write: Any) -> None:
    assert said(write(f"name: prod\n{PROXMOX}{GUEST}")) == [
        (
            "dev.yaml:1:7 error: name\n"
            "    an environment is called like its file\n"
            "    found:    prod\n"
            "    allowed:  dev\n"
            "    fix:      remove the key; rename the file to rename the environment"
        )
    ]


def test_a_file_whose_name_is_no_name_is_refused(write: Any) -> None:
    assert said(write(PROXMOX + GUEST, "My Lab.yaml")) == [
        (
            "My Lab.yaml:1:1 error:\n"
            "    the file's name is the environment's name, and this is none\n"
            "    found:    My Lab\n"
            "    allowed:  a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all\n"
            "    fix:      rename the file, such as to dev.yaml"
        )
    ]


EMPTY = (
    "error:\n"
    "    the environment is empty, and nothing is planned from it: that would be a plan to destroy everything\n"
    "    allowed:  at least one of templates, vms, containers, secrets, services, pools, firewall, access\n"
    "    fix:      add a guest; to remove an environment, run `homelab destroy` and delete the file"
)


@pytest.mark.parametrize(
    "more", ["", "vms: {}\n", "vms: {}\ncontainers: {}\ntemplates: {}\npools: {}\n", "tags: [a]\n"]
)
def test_an_environment_with_nothing_in_it_is_an_error(write: Any, more: str) -> None:
    assert said(write(PROXMOX + more)) == [f"dev.yaml:1:1 {EMPTY}"]


@pytest.mark.parametrize("section", ["vms", "containers", "templates", "pools"])
def test_a_file_that_is_cut_off_after_a_key_is_an_error(write: Any, section: str) -> None:
    (text, *_) = said(write(f"{PROXMOX}{section}:\n"))[-1:]
    assert text.startswith(
        f"dev.yaml:5:{len(section) + 2} error: {section}\n"
        "    there is nothing here: perhaps the file is cut off, and what is missing would be destroyed\n"
    )


def test_every_prefix_of_a_file_but_those_at_an_entrys_end_is_an_error(write: Any) -> None:
    text = (
        PROXMOX
        + "templates:\n  debian-12: {vm_id: 9000, image: debian-12}\n"
        + "vms:\n  web: {template: debian-12, vm_id: 9100}\n"
    )
    whole = [
        length
        for length in range(len(text) + 1)
        if not any(problem.severity is Severity.ERROR for problem in check_files([write(text[:length])]))
    ]
    assert [text[:length].splitlines()[-1].strip().split(":")[0] for length in whole] == ["debian-12", "web"]


def test_all_errors_are_said_at_once_and_in_order(write: Any) -> None:
    text = """\
    proxmox:
      endpoint: http://pve:8006
      nodes:
        pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl, snippets]}, local-lvm: {}}}
    networks:
      lan: {bridge: vmbr0, cidr: 10.0.0.0/24, gateway: 10.0.1.1}
    vms:
      web: {template: debian-12, vm_id: 9100, coers: 2}
      db: {template: debian-12, vm_id: 9100, memory: 2}
    containers:
      dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.0}}
      web: {os: debian-12, vm_id: 9200}
    """
    found = check_files([write(text)])
    assert [(problem.line, problem.column, problem.key_path) for problem in found] == [
        (2, 13, "proxmox.endpoint"),
        (6, 52, "networks.lan.gateway"),
        (8, 19, "vms.web.template"),
        (8, 43, "vms.web.coers"),
        (9, 50, "vms.db.memory"),
        (11, 67, "containers.dns.network.address"),
        (12, 3, "containers.web"),
        (12, 31, "containers.web.vm_id"),
    ]


UNTOLD = {
    "a network with an error": "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.1/24}}\ncontainers: {dns: {os: debian-12, vm_id: 9200, network: lan}}\n",
    "a misspelt section": "network: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24}}\ncontainers: {dns: {os: debian-12, vm_id: 9200, network: lan}}\n",
    "a template with an error": "templates: {debian-12: {vm_id: 90, image: debian-12}}\nvms: {web: {template: debian-12, vm_id: 9100}}\n",
    "defaults with an error": "defaults: {datastore: local-lvm, users: x}\ncontainers: {dns: {os: debian-12, vm_id: 9200}}\n",
    "a policy with an error": "policy: {vm_ids: {containers: {first: 200, last: 100}}}\ncontainers: {dns: {os: debian-12, vm_id: 150}}\n",
    "a pool with an error": "pools: {infra: {comment: 1}}\ncontainers: {dns: {os: debian-12, vm_id: 9200, pool: infra}}\n",
    "a group with an error": "firewall: {enabled: true, input_policy: ACCEPT, groups: {ssh: {rules: []}}}\n"
    "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24}}\n"
    "containers: {dns: {os: debian-12, vm_id: 9200, network: lan, firewall: {groups: [ssh]}}}\n",
    "an authentication with an error": "containers: {dns: {os: debian-12, vm_id: 9200, features: {keyctl: true}}}\n",
    "a number that may be octal": "templates: {debian-12: {vm_id: 09000, image: debian-12}}\nvms: {web: {template: debian-12, vm_id: 9100}}\n",
}


@pytest.mark.parametrize("text", UNTOLD.values(), ids=UNTOLD.keys())
def test_what_follows_from_another_error_is_not_said(write: Any, text: str) -> None:
    proxmox = PROXMOX.replace("nodes:", "authentication: password\n  nodes:") if "keyctl" in text else PROXMOX
    assert len(said(write(proxmox + text))) == 1


@pytest.mark.parametrize(
    "node",
    [
        "pve: {cores: 16, memory: 64, datastores: {local-lvm: {}}}",
        "pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl]}, local-lvm: {content: [root]}}, bridges: [vmbr1]}",
        "pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl]}, local-lvm: {}}, bridges: [vmbr1, x]}",
    ],
)
def test_what_follows_from_an_error_of_a_node_is_not_said(write: Any, node: str) -> None:
    text = f"""\
    proxmox: {{endpoint: "https://pve:8006", nodes: {{{node}}}}}
    networks: {{lan: {{bridge: vmbr1, cidr: 10.0.0.0/24}}}}
    containers: {{dns: {{os: debian-12, vm_id: 9200, network: lan}}}}
    """
    assert len(said(write(text))) == 1


def test_without_proxmox_the_rest_is_checked_as_far_as_possible(write: Any) -> None:
    found = check_files([write("vms: {web: {template: debian-12, vm_id: 9100, memory: 2}}\n")])
    assert [problem.key_path for problem in found] == ["proxmox", "vms.web.memory"]


def test_environments_of_one_cluster_are_checked_together(write: Any) -> None:
    one, two = write(PROXMOX + GUEST, "one.yaml"), write(PROXMOX + GUEST.replace("dns", "proxy"), "two.yaml")
    assert said(one) == said(two) == []
    assert said(one, two) == [
        (
            "two.yaml:5:44 error: containers.proxy.vm_id\n"
            "    VMID 9200 of proxy is already that of containers.dns of environment one\n"
            "    found:    9200\n"
            "    allowed:  a number that nothing else in the cluster has\n"
            "    fix:      write vm_id: 9201"
        )
    ]


def test_files_with_errors_are_checked_together_with_the_others(write: Any) -> None:
    one = write(PROXMOX + GUEST + "tags: [A]\n", "one.yaml")
    two = write(PROXMOX + GUEST.replace("dns", "proxy"), "two.yaml")
    assert [problem.key_path for problem in check_files([one, two])] == ["tags[0]", "containers.proxy.vm_id"]


@pytest.mark.parametrize("first", ["one", "two"])
def test_a_node_with_errors_disagrees_with_no_other_environment(write: Any, first: str) -> None:
    files = {
        "one": write(PROXMOX.replace("cores: 16", "cores: 0") + GUEST, "one.yaml"),
        "two": write(PROXMOX + GUEST.replace("dns", "proxy").replace("9200", "9201"), "two.yaml"),
    }
    second = "two" if first == "one" else "one"
    assert [problem.key_path for problem in check_files([files[first], files[second]])] == ["proxmox.nodes.pve.cores"]


def test_one_file_that_is_no_yaml_leaves_the_others(write: Any) -> None:
    one, two = write("a: [\n", "one.yaml"), write(PROXMOX + "tags: [A]\n" + GUEST, "two.yaml")
    assert [Path(problem.file).name for problem in check_files([one, two])] == ["one.yaml", "two.yaml"]


def test_warnings_come_with_the_environments(write: Any) -> None:
    loaded = load_environments([write(PROXMOX.replace("nodes:", "insecure: true\n  nodes:") + GUEST)])
    assert [environment.name for environment in loaded.environments] == ["dev"]
    assert [problem.key_path for problem in loaded.warnings] == ["proxmox.insecure"]


def test_errors_come_with_the_warnings(write: Any) -> None:
    text = PROXMOX.replace("nodes:", "insecure: true\n  nodes:") + GUEST + "tags: [A]\n"
    with pytest.raises(InvalidEnvironment) as caught:
        load_environment(write(text))
    assert [problem.severity for problem in caught.value.problems] == ["warning", "error"]
    assert str(caught.value) == "1 error in the environment"


def test_anchors_and_merge_keys_work(write: Any) -> None:
    text = """
    containers:
      one: &small {os: debian-12, vm_id: 9200, memory: 256MiB}
      two: {<<: *small, vm_id: 9201}
    """
    environment = load_environment(write(PROXMOX + dedent(text)))
    assert environment.containers["two"].memory == 256


def test_a_problem_of_a_merged_value_is_where_it_is_written(write: Any) -> None:
    text = "containers:\n  one: &small {os: debian-12, vm_id: 9200, memory: 2}\n  two: {<<: *small, vm_id: 9201}\n"
    found = check_files([write(PROXMOX + text)])
    assert [(problem.line, problem.column, problem.key_path) for problem in found] == [
        (6, 52, "containers.one.memory"),
        (6, 52, "containers.two.memory"),
    ]


def test_the_shipped_environments_have_no_errors() -> None:
    root = Path(__file__).parents[2]
    files = sorted((root / "environments").glob("*.yaml"))
    assert [path.stem for path in files] == ["dev", "prod", "staging"]
    assert [render(problem) for problem in check_files(files)] == []


def test_the_shipped_examples_have_no_errors() -> None:
    files = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
    for path in files:
        errors = [problem for problem in check_files([path]) if problem.severity is Severity.ERROR]
        assert [render(problem) for problem in errors] == []
