"""HCL that Terraform takes: `cdktf synth --hcl` of cdktf 0.21 writes some things in a form that Terraform refuses.

References in the meta-arguments of a resource are in quotes, as is the word ``all`` among them; conditions of a
resource are a list and not blocks, a nested attribute is a block, and a setting of the ``terraform`` block that cdktf
has no argument for loses its value. JSON has none of these mistakes.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

_REFERENCES = re.compile(r"\s*(depends_on|ignore_changes|replace_triggered_by) = \[")
_EVERYTHING = re.compile(r'(\s*ignore_changes\s*= )"all"')
_QUOTED = re.compile(r'(\s*)"(.*)"(,?)')
_NAMELESS_SETTING = re.compile(r'\s*[0-9]+ = "(\w+)"')
_CONDITIONS = re.compile(r"(\s*)(precondition|postcondition) = \[")
_NESTED_ATTRIBUTE = re.compile(r"^(\s*)(dhcp_range) \{$")
_HEREDOC = "<<EOF"


def correct_hcl(outdir: Path) -> None:
    """Correct every ``cdk.tf`` below ``outdir``, a ``cdktf.out``; JSON is left alone."""
    for file in sorted(outdir.glob("stacks/*/cdk.tf")):
        settings = json.loads((file.parent / "metadata.json").read_text(encoding="utf-8")).get("terraform", {})
        lines = _corrected(file.read_text(encoding="utf-8").split("\n"), settings)
        file.write_text("\n".join(lines), encoding="utf-8")


def _corrected(lines: list[str], settings: dict[str, object]) -> Iterator[str]:
    within = ""
    for line in _with_blocks(lines):
        if within == _HEREDOC:
            # The text of somebody's snippet, whatever it looks like.
            within = "" if line == "EOF" else within
        elif within:
            if quoted := _QUOTED.fullmatch(line):
                yield "".join(quoted.groups())
                continue
            within = ""
        elif line.endswith(_HEREDOC):
            within = _HEREDOC
        elif _REFERENCES.fullmatch(line):
            within = "references"
        elif everything := _EVERYTHING.fullmatch(line):
            yield f"{everything[1]}all"
            continue
        elif setting := _NAMELESS_SETTING.fullmatch(line):
            yield f"  {setting[1]} = {json.dumps(settings[setting[1]])}"
            continue
        yield line


def _with_blocks(lines: list[str]) -> Iterator[str]:
    """Conditions as blocks, and nested attributes as attributes; however they are indented, as cdktf formats later."""
    conditions: re.Match[str] | None = None
    is_text = False
    for line in lines:
        if is_text or line.endswith(_HEREDOC):
            is_text = line != "EOF"
            yield line
        elif conditions is None:
            conditions = _CONDITIONS.fullmatch(line)
            if conditions is None:
                yield _NESTED_ATTRIBUTE.sub(r"\1\2 = {", line)
        elif line.strip() == "]":
            conditions = None
        else:
            yield {"{": f"{conditions[1]}{conditions[2]} {{", "},": f"{conditions[1]}}}"}.get(line.strip(), line)
