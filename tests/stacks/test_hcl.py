"""`correct_hcl`: what cdktf writes as HCL and Terraform refuses."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from homelab.stacks.hcl import correct_hcl

SETTINGS = {"terraform": {"required_version": ">= 1.9.0"}}


def corrected(folder: Path, text: str) -> str:
    stack = folder / "stacks" / "one"
    stack.mkdir(parents=True)
    (stack / "metadata.json").write_text(json.dumps(SETTINGS))
    (stack / "cdk.tf").write_text(dedent(text))
    correct_hcl(folder)
    return (stack / "cdk.tf").read_text()


@pytest.mark.parametrize("argument", ["depends_on", "ignore_changes", "replace_triggered_by"])
def test_references_lose_their_quotes(argument: str, tmp_path: Path) -> None:
    text = f"""\
        lifecycle {{
          {argument} = [
            "proxmox_virtual_environment_vm.web-1.id",
            "disk[0].import_from",
          ]
        }}
        tags = [
          "web",
        ]
    """

    assert corrected(tmp_path, text) == dedent(text).replace('"prox', "prox").replace('.id"', ".id").replace(
        '"disk[0].import_from"', "disk[0].import_from"
    )


def test_ignoring_everything_is_a_word_and_no_text(tmp_path: Path) -> None:
    text = 'lifecycle {\n  ignore_changes  = "all"\n}\ndescription = "all"\n'

    assert corrected(tmp_path, text) == 'lifecycle {\n  ignore_changes  = all\n}\ndescription = "all"\n'


def test_a_setting_gets_its_name_and_value_back(tmp_path: Path) -> None:
    text = 'terraform {\n\n  0 = "required_version"\n}\n'

    assert corrected(tmp_path, text) == 'terraform {\n\n  required_version = ">= 1.9.0"\n}\n'


def test_the_text_of_a_snippet_stays_as_it_is(tmp_path: Path) -> None:
    text = 'data = <<EOF\ndepends_on = [\n  "a",\n]\n0 = "required_version"\nEOF\ndepends_on = [\n  "a.b",\n]\n'

    assert corrected(tmp_path, text) == text.replace('"a.b"', "a.b")


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    once = corrected(tmp_path, 'depends_on = [\n  "a.b",\n]\n')
    correct_hcl(tmp_path)

    assert (tmp_path / "stacks" / "one" / "cdk.tf").read_text() == once


def test_json_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "stacks" / "one" / "cdk.tf.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"depends_on": [\n"a.b",\n]}')

    correct_hcl(tmp_path)

    assert file.read_text() == '{"depends_on": [\n"a.b",\n]}'


def test_conditions_become_blocks(tmp_path: Path) -> None:
    text = """\
        lifecycle {
          ignore_changes = [
            node_name,
          ]
          postcondition = [
        {
        condition     = "${self.node_name == "pve"}"
        error_message = "Move it."
        },
            {
              condition     = "${true}"
            },
          ]
        }
    """

    assert corrected(tmp_path, text) == dedent(
        """\
        lifecycle {
          ignore_changes = [
            node_name,
          ]
          postcondition {
        condition     = "${self.node_name == "pve"}"
        error_message = "Move it."
          }
          postcondition {
              condition     = "${true}"
          }
        }
    """
    )


def test_a_nested_attribute_is_none_of_the_blocks(tmp_path: Path) -> None:
    text = 'resource "proxmox_sdn_subnet" "one" {\n  dhcp_range {\n    start_address = "10.0.0.1"\n  }\n}\n'

    assert corrected(tmp_path, text) == text.replace("dhcp_range {", "dhcp_range = {")
