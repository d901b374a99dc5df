"""Which environment files are meant."""

from pathlib import Path

import pytest

from homelab.config.selection import SelectionError, environment_files, select_files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name in ("prod.yaml", "dev.yaml", "staging.yml", "notes.txt", ".hidden.yaml"):
        (folder / name).write_text("")
    (folder / "folder.yaml").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "demo.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def refused(names: list[str], project: Path) -> str:
    with pytest.raises(SelectionError) as caught:
        select_files(names, project)
    return str(caught.value)


def test_all_environments_sorted_by_name(project: Path) -> None:
    assert named(environment_files(project)) == ["dev.yaml", "prod.yaml", "staging.yml"]
    assert named(select_files([], project)) == ["dev.yaml", "prod.yaml", "staging.yml"]


def test_names_in_the_order_given_and_each_once(project: Path) -> None:
    assert named(select_files(["staging", "dev", "staging"], project)) == ["staging.yml", "dev.yaml"]


def test_a_name_and_its_path_are_one(project: Path) -> None:
    assert named(select_files(["dev", "environments/dev.yaml", str(project / "environments/dev.yaml")], project)) == [
        "dev.yaml"
    ]


def test_a_path_outside_of_environments(project: Path) -> None:
    assert select_files(["examples/demo.yaml"], project) == [Path("examples/demo.yaml")]


def test_a_path_is_relative_to_the_current_folder_or_to_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "examples")
    assert select_files(["demo.yaml"], project) == [Path("demo.yaml")]
    assert select_files(["environments/dev.yaml"], project) == [project / "environments/dev.yaml"]


def test_an_unknown_name_lists_what_there_is(project: Path) -> None:
    assert refused(["stagin"], project) == (
        "there is no environment stagin\n    allowed:  dev, prod, staging\n    fix:      did you mean staging?"
    )


def test_a_name_that_resembles_none(project: Path) -> None:
    assert refused(["xyz"], project).endswith("fix:      name one of them, or the path of a YAML file")


def test_an_unknown_path_lists_what_there_is(project: Path) -> None:
    assert refused(["environments/pord.yaml"], project) == (
        "there is no file environments/pord.yaml\n    allowed:  dev, prod, staging\n    fix:      did you mean prod?"
    )


def test_two_files_of_one_name(project: Path) -> None:
    (project / "examples" / "dev.yaml").write_text("")
    assert "are both environment dev" in refused(["dev", "examples/dev.yaml"], project)


def test_two_endings_of_one_name(project: Path) -> None:
    (project / "environments" / "dev.yml").write_text("")
    assert "are both environment dev" in refused([], project)


def test_a_project_without_environments(tmp_path: Path) -> None:
    assert refused([], tmp_path) == (
        f"there is no environment in {tmp_path}/environments\n"
        "    fix:      copy a file from examples/ there; its name becomes the environment's name"
    )
    assert f"allowed:  no environment is in {tmp_path}/environments" in refused(["dev"], tmp_path)


def test_an_empty_name(project: Path) -> None:
    assert refused([""], project).startswith("there is no environment ")
