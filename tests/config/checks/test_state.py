"""State: locked where several may write it, outside of what is thrown away, and each stack's own."""

import pytest

from homelab.config.checks import check_environments
from homelab.config.problems import render
from tests.config.cases import environment, expected, said

CASES = {
    "local": (
        (
            """
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "a folder of one's own": (
        (
            """
            state: {backend: local, directory: terraform/state}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "outside of the project": (
        (
            """
            state: {backend: local, directory: ../state}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        error: state.directory
            the state would lie outside of the project
            found:    ../state
            allowed:  a folder without ..
            fix:      write a folder of the project, such as state
        """,
    ),
    "absolute": (
        (
            """
            state: {backend: local, directory: /srv/state}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        warning: state.directory
            an absolute folder is another one on every machine
            found:    /srv/state
            allowed:  a folder of the project
            fix:      write a relative folder, such as state
        """,
    ),
    "S3 with a table": (
        (
            """
            state: {backend: s3, bucket: homelab, lock_table: locks}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "S3 with a lock file": (
        (
            """
            state: {backend: s3, bucket: homelab, lock_file: true}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "S3 without lock": (
        (
            """
            state: {backend: s3, bucket: homelab}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        warning: state
            the state has no lock: two people who apply at the same time destroy each other's work
            allowed:  lock_table or lock_file
            fix:      add lock_file: true (Terraform 1.10 or later), or lock_table: homelab-locks
        """,
    ),
    "S3 in clear text": (
        (
            """
            state: {backend: s3, bucket: homelab, lock_file: true, endpoint: 'http://minio.home.arpa:9000'}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        warning: state.endpoint
            the state, which holds secrets, would go over the network in clear text
            found:    http://minio.home.arpa:9000
            allowed:  https://
            fix:      write https://minio.home.arpa:9000
        """,
    ),
    "S3 on this machine": (
        (
            """
            state: {backend: s3, bucket: homelab, lock_file: true, endpoint: 'http://127.0.0.1:9000'}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
    "bucket made twice": (
        (
            """
            state: {backend: s3, bucket: homelab, lock_file: true, create: true}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
            """
            proxmox: {endpoint: 'https://other.home.arpa:8006'}
            state: {backend: s3, bucket: homelab, lock_file: true, create: true}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        """
        two: error: state.create
            environment one makes the bucket homelab already
            found:    true
            allowed:  create: true in one environment
            fix:      remove create
        """,
    ),
    "two buckets": (
        (
            """
            state: {backend: s3, bucket: homelab, lock_file: true, create: true}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
            """
            proxmox: {endpoint: 'https://other.home.arpa:8006'}
            state: {backend: s3, bucket: another, lock_file: true, create: true}
            containers: {dns: {os: debian-12, vm_id: 9200}}
            """,
        ),
        "",
    ),
}


@pytest.mark.parametrize(("changes", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: tuple[str, ...], text: str) -> None:
    assert said(*changes) == expected(text)


def test_stacks_of_two_environments_with_one_name() -> None:
    clone = "containers: {dns: {os: debian-12, vm_id: 9200, group: b-c}}"
    other = """
        proxmox: {endpoint: 'https://other.home.arpa:8006'}
        containers: {dns: {os: debian-12, vm_id: 9200, group: c}}
    """
    found = check_environments([environment(clone, "a"), environment(other, "a-b")])
    assert found[0] == []
    assert [render(problem) for problem in found[1]] == [
        expected(
            """
            error: containers.dns.group
                environment a has a stack a-b-c already, and both would write one state
                found:    a-b-c
                allowed:  stacks are called <environment>-<group>, each once
                fix:      rename the group or the environment
            """
        )
    ]


def test_a_group_whose_stack_is_called_like_the_state_backend_of_another_environment() -> None:
    group = "containers: {dns: {os: debian-12, vm_id: 9200, group: backend}}"
    found = check_environments([environment("access: {}", "a"), environment(group, "a-state")])
    assert [problem.value for problem in found[1]] == ["a-state-backend"]
