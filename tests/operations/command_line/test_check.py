"""`homelab check` as a process: what it prints, and with which exit code it ends."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.operations.command_line.conftest import HOMELAB, Run

Write = Callable[[str, str], Path]
ROOT = Path(__file__).parents[3]

WRONG = """\
    containers:
      dns: {os: debian-12, vm_id: 9200, cores: 65}
      web: {os: debian-12, vm_id: 9201, tags: [Web]}
"""
WARNED = """\
    containers:
      dns: {os: debian-12, vm_id: 9200, tags: [a, a]}
"""


def test_all_environments_without_a_word_about_them(homelab: Run) -> None:
    result = homelab("check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "2 environments, 0 errors, 0 warnings\n", "")


def test_every_error_with_its_place(homelab: Run, write: Write) -> None:
    write("dev", WRONG)
    result = homelab("check")
    assert result.returncode == 1
    assert result.stderr == ""
    assert result.stdout == (
        "environments/dev.yaml:7:44 error: containers.dns.cores\n"
        "    this is too large\n"
        "    found:    65\n"
        "    allowed:  1 to 64\n"
        "    fix:      choose a number: 1 to 64\n"
        "\n"
        "environments/dev.yaml:8:44 error: containers.web.tags[0]\n"
        "    this is not a tag\n"
        "    found:    Web\n"
        "    allowed:  a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)\n"
        "    fix:      write web\n"
        "\n"
        "2 environments, 2 errors, 0 warnings\n"
    )


def test_warnings_do_not_fail(homelab: Run, write: Write) -> None:
    write("dev", WARNED)
    result = homelab("check", "dev")
    assert result.returncode == 0
    assert result.stdout.endswith("1 environment, 0 errors, 1 warning\n")


def test_warnings_fail_when_strict(homelab: Run, write: Write) -> None:
    write("dev", WARNED)
    assert homelab("check", "--strict", "dev").returncode == 1
    assert homelab("check", "--strict", "prod").returncode == 0


def test_a_name_a_path_and_an_absolute_path(homelab: Run, project: Path) -> None:
    for name in ("dev", "environments/dev.yaml", str(project / "environments" / "dev.yaml")):
        assert homelab("check", name).stdout == "1 environment, 0 errors, 0 warnings\n"


def test_from_a_folder_below_the_project(homelab: Run, project: Path, write: Write) -> None:
    write("dev", WARNED)
    result = homelab("check", "dev", folder=project / "environments")
    assert result.stdout.startswith("dev.yaml:7:47 warning: containers.dns.tags[1]\n")


def test_the_variable_narrows(homelab: Run) -> None:
    assert homelab("check", HOMELAB_ENVIRONMENTS="dev").stdout.startswith("1 environment,")
    assert homelab("check", HOMELAB_ENVIRONMENTS=" dev , environments/prod.yaml,").stdout.startswith("2 environments,")
    assert homelab("check", HOMELAB_ENVIRONMENTS="").stdout.startswith("2 environments,")


def test_an_argument_wins_over_the_variable(homelab: Run) -> None:
    assert homelab("check", "prod", HOMELAB_ENVIRONMENTS="nothing").stdout.startswith("1 environment,")


def test_a_wrong_name_is_a_wrong_call(homelab: Run) -> None:
    result = homelab("check", "pord")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: there is no environment pord\n    allowed:  dev, prod\n    fix:      did you mean prod?\n"
    )


def test_a_wrong_name_in_the_variable_says_where_it_comes_from(homelab: Run) -> None:
    result = homelab("check", HOMELAB_ENVIRONMENTS="dev,pord")
    assert result.returncode == 2
    assert result.stderr.endswith("    note:     HOMELAB_ENVIRONMENTS is set to dev,pord\n")


def test_a_project_without_environments(homelab: Run, tmp_path_factory: "os.PathLike[str]") -> None:
    empty = Path(tmp_path_factory.mktemp("empty"))  # type: ignore[attr-defined]
    result = homelab("check", folder=empty)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: there is no environment in {empty}/environments\n")


def test_a_file_that_is_no_yaml(homelab: Run, project: Path) -> None:
    (project / "environments" / "dev.yaml").write_text("proxmox: [\n")
    result = homelab("check")
    assert result.returncode == 1
    assert result.stdout.startswith("environments/dev.yaml:")
    assert result.stdout.endswith("2 environments, 1 error, 0 warnings\n")


def test_an_empty_file(homelab: Run, project: Path) -> None:
    (project / "environments" / "dev.yaml").write_text("")
    result = homelab("check")
    assert result.returncode == 1
    assert "nothing is planned from it: that would be a plan to destroy everything" in result.stdout


def test_environments_of_one_cluster_are_checked_together(homelab: Run, write: Write) -> None:
    write("prod", "containers: {web: {os: debian-12, vm_id: 9200}}\n")
    result = homelab("check")
    assert "VMID 9200 of web is already that of containers.dns of environment dev" in result.stdout
    assert homelab("check", "prod").returncode == 0


def test_images_are_looked_up_in_the_lock_file(homelab: Run, write: Write, project: Path) -> None:
    dev = write("dev", "containers: {dns: {os: debian-12, vm_id: 9200}}\n")
    dev.write_text(dev.read_text().replace("ignore", "error"))
    url = "http://download.proxmox.com/images/system/debian-12-standard_12.12-1_amd64.tar.zst"
    assert f"found:    {url}" in homelab("check", "dev").stdout
    entry = {
        "checksum": "sha512:" + "ab" * 64,
        "file_name": "debian-12-standard_12.12-1_amd64.tar.zst",
        "checksum_source": "http://download.proxmox.com/images/aplinfo-pve-9.dat.gz",
        "resolved_at": "2026-01-01T00:00:00Z",
    }
    lock = {"version": 1, "images": {url: entry}, "container_images": {}}
    (project / "images.lock.json").write_text(json.dumps(lock))
    assert homelab("check", "dev").stdout == "1 environment, 0 errors, 0 warnings\n"


def test_a_lock_file_that_is_broken(homelab: Run, project: Path) -> None:
    (project / "images.lock.json").write_text("{")
    result = homelab("check")
    assert result.returncode == 1
    assert "images.lock.json is not a usable image lock file" in result.stderr


def test_json(homelab: Run, write: Write) -> None:
    write("dev", WRONG)
    result = homelab("check", "dev", "--format", "json")
    document = json.loads(result.stdout)
    assert result.returncode == 1
    assert (document["environments"], document["errors"], document["warnings"]) == (["environments/dev.yaml"], 2, 0)
    assert document["problems"][0] == {
        "severity": "error",
        "file": "environments/dev.yaml",
        "line": 7,
        "column": 44,
        "key_path": "containers.dns.cores",
        "message": "this is too large",
        "value": 65,
        "allowed": "1 to 64",
        "fix": "choose a number: 1 to 64",
    }


def test_json_without_problems(homelab: Run) -> None:
    document = json.loads(homelab("check", "--format", "json").stdout)
    assert (document["errors"], document["warnings"], document["problems"]) == (0, 0, [])


def test_a_secret_in_a_file_is_not_printed(homelab: Run, write: Write) -> None:
    canary = "canary-7d3f"
    write(
        "dev",
        f"""\
        secret_token: {canary}
        containers:
          dns: {{os: debian-12, vm_id: 9200, ssh_keys: ["-----BEGIN PRIVATE KEY-----{canary}"], password: {canary}}}
        """,
    )
    for arguments in ((), ("--format", "json")):
        result = homelab("check", "dev", *arguments)
        assert result.returncode == 1
        assert canary not in result.stdout + result.stderr


def in_a_terminal(*arguments: str, folder: Path, **environment: str) -> str:
    """What ``homelab`` writes to a terminal."""
    ours, theirs = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM", "HOMELAB_ENVIRONMENTS")}
    with subprocess.Popen(
        [str(HOMELAB), *arguments],
        cwd=folder,
        env={"TERM": "xterm", **kept, **environment},
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            output += part
        process.wait(timeout=60)
    os.close(ours)
    return output.decode()


def test_colours_are_for_terminals(project: Path, write: Write) -> None:
    write("dev", WRONG)
    assert "\x1b[31merror:\x1b[0m" in in_a_terminal("check", folder=project)
    for text in (
        in_a_terminal("check", folder=project, NO_COLOR="1"),
        in_a_terminal("check", folder=project, TERM="dumb"),
        in_a_terminal("--no-color", "check", folder=project),
        in_a_terminal("check", "--no-color", folder=project),
    ):
        assert "error: containers.dns.cores" in text
        assert "\x1b" not in text


def test_whoever_reads_may_stop_reading(project: Path, write: Write) -> None:
    guests = "".join(f"  c{number}: {{os: debian-12, vm_id: 9200, cores: 65}}\n" for number in range(2000))
    write("dev", f"containers:\n{guests}")
    with subprocess.Popen(
        [str(HOMELAB), "check"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(timeout=60)


def test_nothing_heavy_is_imported(project: Path) -> None:
    program = (
        "import sys; from operations.command_line import main; code = main(['check']); "
        "heavy = {'rich', 'httpx', 'jsii', 'cdktf', 'constructs', 'imports', 'asyncio', 'ssl', 'cryptography'}; "
        "print(sorted(heavy & set(sys.modules))); sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "[]")
