"""An environment whose state is in S3, and people who apply its stacks with the real Terraform."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.provider_mirror import terraform_environment, terraform_program
from tests.end_to_end.s3_server import SECRET, S3Server


@dataclass(frozen=True)
class Backend:
    """An environment with S3 state, for which everything has been made that its state-backend stack defines."""

    name: str
    server: S3Server
    stacks: dict[str, dict[str, Any]]
    """Each synthesized stack, by its name."""
    outputs: dict[str, Any]
    """The outputs of the state-backend stack."""

    @property
    def access_key(self) -> str:
        """The key of who may do only what the synthesized policy says."""
        return f"AKIA{self.name.upper()}"

    @property
    def bucket(self) -> str:
        return str(self.outputs["state_bucket"])

    def key(self, stack: str) -> str:
        return f"homelab/{self.name}/{self.name}-{stack}.tfstate"

    def versions(self, stack: str) -> list[dict[str, Any]]:
        """The versions of a stack's state, the newest first."""
        listed = self.server.client("s3").list_object_versions(Bucket=self.bucket, Prefix=self.key(stack))
        return [version for version in listed.get("Versions", []) if version["Key"] == self.key(stack)]

    def forget(self, stack: str) -> None:
        """Remove a stack's state, as if it had never been applied."""
        for version in self.versions(stack):
            self.server.client("s3").delete_object(
                Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"]
            )
        if "state_lock_table" in self.outputs:
            digest = {"LockID": {"S": f"{self.bucket}/{self.key(stack)}-md5"}}
            self.server.client("dynamodb").delete_item(TableName=self.outputs["state_lock_table"], Key=digest)

    def locks(self) -> list[dict[str, Any]]:
        """What the locks that are held now say, in table and files."""
        found = []
        if "state_lock_table" in self.outputs:
            items = self.server.client("dynamodb").scan(TableName=self.outputs["state_lock_table"])["Items"]
            found += [json.loads(item["Info"]["S"]) for item in items if "Info" in item]
        s3 = self.server.client("s3")
        for listed in s3.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            if listed["Key"].endswith(".tflock"):
                found.append(json.loads(s3.get_object(Bucket=self.bucket, Key=listed["Key"])["Body"].read()))
        return found


class Client:
    """Somebody's working copy of one stack: its own folder, its backend block, and a resource of Terraform's own."""

    def __init__(self, folder: Path, backend: Backend, stack: str, access_key: str | None = None) -> None:
        self.folder = folder
        self.environment = terraform_environment(
            {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
            | {
                "AWS_ACCESS_KEY_ID": access_key or backend.access_key,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_CA_BUNDLE": str(backend.server.ca_file),
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        )
        self.init_options: list[str] = []
        self.started: list[subprocess.Popen[str]] = []
        terraform = backend.stacks[stack]["terraform"]
        if "endpoints" not in terraform["backend"]["s3"]:
            # Amazon's addresses are led here, and nothing else is changed.
            self.environment["AWS_ENDPOINT_URL"] = backend.server.url
            self.init_options = ["-backend-config=use_path_style=true"]
        self.terraform = {name: terraform[name] for name in ("backend", "required_version")}
        folder.mkdir(parents=True)
        self.write("first")

    def write(self, text: str, terraform: dict[str, Any] | None = None, *, wait: bool = False) -> None:
        """Define one resource that holds ``text``; with ``wait`` it is being made until ``go`` is written into."""
        resource: dict[str, Any] = {"input": text, "triggers_replace": text}
        if wait:
            resource["provisioner"] = {"local-exec": {"command": "touch started && cat go"}}
            os.mkfifo(self.folder / "go")
        definition = {"terraform": terraform or self.terraform, "resource": {"terraform_data": {"text": resource}}}
        (self.folder / "main.tf.json").write_text(json.dumps(definition))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [terraform_program(), *arguments, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def succeed(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def init(self, *options: str) -> str:
        return self.succeed("init", "-input=false", *self.init_options, *options)

    def apply(self, text: str) -> None:
        self.write(text)
        self.succeed("apply", "-auto-approve", "-input=false")

    def start_apply(self, text: str) -> subprocess.Popen[str]:
        """An apply that holds the lock until ``finish``."""
        self.write(text, wait=True)
        running = subprocess.Popen(
            [terraform_program(), "apply", "-auto-approve", "-input=false", "-no-color"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(running)
        deadline = time.monotonic() + 60
        while not (self.folder / "started").exists():
            assert running.poll() is None, running.communicate()[0]
            assert time.monotonic() < deadline, "the apply did not come to its provisioner"
            time.sleep(0.02)
        return running

    def finish(self, running: subprocess.Popen[str]) -> None:
        (self.folder / "go").write_text("")
        output, _ = running.communicate(timeout=60)
        assert running.returncode == 0, output

    def stop(self) -> None:
        """Kill what was started and not finished, with the provisioner that waits in it."""
        for running in self.started:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.communicate()

    def state_text(self) -> str:
        """What the state says now, as Terraform reads it."""
        state = json.loads(self.succeed("show", "-json"))
        return str(state["values"]["root_module"]["resources"][0]["values"]["input"])
