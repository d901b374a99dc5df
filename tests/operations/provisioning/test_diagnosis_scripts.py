"""What `homelab deploy` says of a script that failed inside a guest."""

from __future__ import annotations

from operations.diagnosis.diagnosis import Diagnosis, Surroundings, diagnose
from operations.terraform.messages import Diagnostic
from operations.terraform.terraform import TerraformError
from tests.operations.provisioning.pretended_ssh import Machines

COMMAND = "set -f; IFS=; exec $python -m operations.provisioning"


def diagnosis(output: str, code: int = 1) -> Diagnosis:
    detail = f"Error running command '{COMMAND}': exit status {code}. Output: {output}"
    item = Diagnostic("error", "local-exec provisioner error", detail, "null_resource.dns-set-up")
    error = TerraformError("dev-services", "apply", [item], "", 1)
    [found] = diagnose(error, Surroundings())
    return found


def test_guest_script_cause_and_next_step_are_named(machines: Machines) -> None:
    done = machines.run("echo working\necho 'E: no such package' >&2\nexit 100\n")
    found = diagnosis(done.stdout + done.stderr, done.returncode)

    assert found.kind == "script_failed"
    assert found.message == "script set-up in dns (CT 9200 on pve) failed: it ended with exit code 100"
    assert found.found == "working\nE: no such package"
    assert found.fix == (
        "run the same command again: a script may run as often as you like, and does what is still to be done",
        "the whole output is in state/logs/dev/dns-set-up.log",
    )
    assert found.places == ("stack dev-services",)


def test_so_is_what_kept_it_from_running(machines: Machines) -> None:
    (machines.folder / "refusals").write_text("Host key verification failed.\n")
    done = machines.run("true")
    found = diagnosis(done.stdout + done.stderr)

    assert "the host key of node pve (root@192.0.2.2) is not known" in found.message
    assert found.found == ""
    assert any(step.startswith("then write it down: ssh-keyscan 192.0.2.2 >> ") for step in found.fix)


def test_another_program_s_failure_is_another_s(machines: Machines) -> None:
    assert machines.folder.is_dir()
    found = diagnosis("something else\n")

    assert "failed (exit status 1)" in found.message
