"""`Script`, its secrets, and templates of scripts."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from homelab.provisioning.script import GivenSecret, Script, StoredSecret, render_script

PACKAGE = "scripts_of_a_test"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    # That of the test before.
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    return folder


def test_a_template_is_rendered_with_its_last_newline(package: Path) -> None:
    (package / "a.sh.j2").write_text("{% for port in ports %}\nopen {{ port }}\n{% endfor %}\necho <&>\n")

    assert render_script(PACKAGE, "a.sh.j2", {"ports": [80, 443]}) == "open 80\nopen 443\necho <&>\n"


@pytest.mark.parametrize(("value", "quoted"), [("a b", "'a b'"), ("it's", "'it'\"'\"'s'"), (5432, "5432"), ("", "''")])
def test_sh_quotes_for_a_shell(package: Path, value: object, quoted: str) -> None:
    (package / "a.sh.j2").write_text("echo {{ value | sh }}")

    assert render_script(PACKAGE, "a.sh.j2", {"value": value}) == f"echo {quoted}"


def test_a_template_may_include_another_of_its_package(package: Path) -> None:
    (package / "a.sh.j2").write_text("{% include 'b.sh.j2' %}echo {{ name }}\n")
    (package / "b.sh.j2").write_text("set -eu # {{ name }}\n")

    assert render_script(PACKAGE, "a.sh.j2", {"name": "x"}) == "set -eu # x\necho x\n"


def test_a_variable_that_is_not_given_is_an_error(package: Path) -> None:
    (package / "a.sh.j2").write_text("echo {{ port }}")

    with pytest.raises(jinja2.UndefinedError, match="'port' is undefined"):
        render_script(PACKAGE, "a.sh.j2", {})


def test_a_template_that_is_not_there_is_named(package: Path) -> None:
    assert package.is_dir()
    with pytest.raises(jinja2.TemplateNotFound, match=r"none\.sh\.j2"):
        render_script(PACKAGE, "none.sh.j2", {})


def test_the_digest_follows_what_the_script_does() -> None:
    script = Script("set-up", "true\n", (StoredSecret("ROOT", "db/root"),))

    assert script.digest == Script("renamed", "true\n", (StoredSecret("ROOT", "db/root"),), timeout_seconds=5).digest
    assert (
        len(
            {
                script.digest,
                Script("set-up", "false\n", script.secrets).digest,
                Script("set-up", "true\n").digest,
                Script("set-up", "true\n", (StoredSecret("ROOT", "db/other"),)).digest,
                Script("set-up", "true\n", (StoredSecret("ROOT", "db/root", kind="hex"),)).digest,
                Script("set-up", "true\n", (GivenSecret("ROOT", "${random_password.root.result}"),)).digest,
            }
        )
        == 6
    )


def test_the_number_that_cdktf_gives_an_expression_is_no_change() -> None:
    digests = {Script("a", "true\n", (GivenSecret("P", f"${{TfToken[TOKEN.{n}]}}"),)).digest for n in (1, 2)}

    assert len(digests) == 1


@pytest.mark.parametrize("name", ["", "Set up", "../x", "a_b", "-a", "a/b"])
def test_the_name_of_a_script_fits_the_name_of_a_file(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a script: it takes a-z, 0-9 and -"):
        Script(name, "true\n")


@pytest.mark.parametrize("variable", ["password", "1A", "A-B", "PATH", "IFS", "HOMELAB_X", "A; rm -rf /"])
def test_the_variable_of_a_secret_is_one_that_a_script_can_have(variable: str) -> None:
    with pytest.raises(ValueError, match="can't be the shell variable of a secret"):
        StoredSecret(variable, "name")
    with pytest.raises(ValueError, match="can't be the shell variable of a secret"):
        GivenSecret(variable, "${random_password.x.result}")


def test_a_value_is_not_taken_for_an_expression() -> None:
    with pytest.raises(ValueError, match="give the expression of a Terraform attribute") as refused:
        GivenSecret("PASSWORD", "hunter22")
    assert "hunter22" not in str(refused.value)


def test_two_secrets_have_two_variables() -> None:
    with pytest.raises(ValueError, match="script a: two secrets have the same variable: A, A"):
        Script("a", "", (StoredSecret("A", "x"), StoredSecret("A", "y")))


@pytest.mark.parametrize("length", [0, 7, 5000])
def test_a_secret_is_long_enough(length: int) -> None:
    with pytest.raises(ValueError, match=f"8 to 4096 characters, not {length}"):
        StoredSecret("A", "db/root", length=length)
