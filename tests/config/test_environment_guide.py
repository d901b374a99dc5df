"""The example of docs/environment.md is an environment."""

import re
from pathlib import Path

from pydantic import BaseModel

from homelab.config.environment import Environment
from homelab.config.loading import check_files

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "environment.md"


def test_the_small_example_has_no_error(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (example,) = [block for block in blocks if block.startswith("proxmox:")]
    file = tmp_path / "small.yaml"
    file.write_text(example)
    assert [problem.message for problem in check_files([file]) if problem.severity == "error"] == []


def test_every_section_key_that_the_guide_names_exists() -> None:
    named = re.findall(r"`(policy|proxmox)\.([a-z_]+)", GUIDE.read_text())
    assert ("policy", "over_commit") in named
    for section, key in named:
        annotation = Environment.model_fields[section].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        assert key in annotation.model_fields
