"""Who may import what: configuration stays pure, bindings stay behind constructs, day two knows no construct."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = (PROJECT / "constructs", PROJECT)
CDKTF = (
    "cdktf",
    "constructs",
    "jsii",
    "imports",
    "cdktf_cdktf_provider_aws",
    "cdktf_cdktf_provider_docker",
    "cdktf_cdktf_provider_random",
)
BINDINGS = tuple(name for name in CDKTF if name.startswith(("imports", "cdktf_")))
NETWORK = ("aiohttp", "asyncssh", "http", "httpx", "socket", "ssl", "subprocess", "urllib.request")
CONSTRUCTS = ("homelab.proxmox", "homelab.docker", "homelab.platforms", "homelab.provisioning", "homelab.stacks")


@dataclass(frozen=True)
class Rule:
    """Modules below `folder` import none of `forbidden`, except what `allowed` lists for a file."""

    folder: str
    forbidden: tuple[str, ...]
    reason: str
    allowed: dict[str, tuple[str, ...]]


RULES = [
    Rule(
        "constructs/homelab/config",
        (*CDKTF, *NETWORK, *CONSTRUCTS, "operations", "bootstrap", "simulator"),
        "an environment is checked without jsii, Terraform or network",
        {},
    ),
    Rule(
        "constructs/homelab/provisioning",
        (*BINDINGS, *NETWORK, "cdktf"),
        "a script is text until a resource runs it",
        {
            "guest_script.py": ("cdktf", "imports.null"),
            "project_command.py": ("cdktf", "imports.null"),
        },
    ),
    Rule(
        "constructs/homelab/services",
        (
            *CDKTF,
            *NETWORK,
            *(name for name in CONSTRUCTS if name != "homelab.provisioning"),
            "homelab.provisioning.guest_script",
        ),
        "a service is described, and its stack makes it",
        {},
    ),
    Rule(
        "constructs/homelab/stacks",
        BINDINGS,
        "a stack only wires; what it wires are constructs of homelab.proxmox",
        {
            "environment_stack.py": ("imports.proxmox.provider",),
            "state_backend.py": ("cdktf_cdktf_provider_aws",),
        },
    ),
    Rule(
        "constructs/homelab/platforms",
        BINDINGS,
        "a platform is made of constructs; what they are made of is their business",
        {},
    ),
    Rule("constructs", ("operations", "bootstrap", "simulator"), "synthesis depends on nothing that runs later", {}),
    Rule("operations", (*CDKTF, *CONSTRUCTS), "day two reads the configuration, plans and outputs", {}),
    Rule("bootstrap", (*CDKTF, *CONSTRUCTS), "the Infisical client needs no synthesis", {}),
    Rule("simulator", (*CDKTF, *CONSTRUCTS), "the simulated Proxmox must not share a mistake with what it judges", {}),
]

READERS = {
    "main.py",
    "bootstrap/__main__.py",
    "operations/command_line",
    "operations/provider_mirror.py",
    "operations/provisioning/__main__.py",
    "simulator/__main__.py",
    "simulator/pct_program.py",
}


def python_files(folder: str) -> list[Path]:
    """Returns every Python file below a folder of the project."""
    return sorted((PROJECT / folder).rglob("*.py"))


def module_name(file: Path) -> str:
    """Returns the dotted name by which a file is imported."""
    root = next(root for root in SOURCE_ROOTS if file.is_relative_to(root))
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(source: str, importer: str, *, is_package: bool) -> set[tuple[str, int]]:
    """Returns each module that a source file imports, anywhere in it, with the line; relative names are resolved."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {(alias.name, node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = importer.split(".") if is_package else importer.split(".")[:-1]
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {(f"{module}.{alias.name}", node.lineno) for alias in node.names}
    return found


def is_below(name: str, modules: tuple[str, ...]) -> bool:
    """Returns whether a dotted name is one of `modules` or inside one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def violations(rule: Rule) -> list[str]:
    """Returns `file:line imports module` for everything that breaks a rule."""
    return [
        f"{file.relative_to(PROJECT)}:{line} imports {name}"
        for file in python_files(rule.folder)
        for name, line in sorted(
            imported_modules(file.read_text(encoding="utf-8"), module_name(file), is_package=file.stem == "__init__")
        )
        if is_below(name, rule.forbidden) and not is_below(name, rule.allowed.get(file.name, ()))
    ]


def environment_reads(source: str) -> list[int]:
    """Returns the lines that reach for the process environment by the os module."""
    tree = ast.parse(source)
    lines = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "environb", "getenv", "putenv", "unsetenv"}
    }
    lines |= {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and {alias.name for alias in node.names} & {"environ", "getenv"}
    }
    return sorted(lines)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.folder)
def test_imports_follow_the_rules(rule: Rule) -> None:
    assert python_files(rule.folder), f"{rule.folder} holds no Python file: the rule watches nothing"
    assert not violations(rule), f"{rule.reason}:\n" + "\n".join(violations(rule))


@pytest.mark.parametrize("folder", ["constructs", "bootstrap", "operations", "simulator"])
def test_only_entry_points_read_the_process_environment(folder: str) -> None:
    reads = [
        f"{file.relative_to(PROJECT)}:{line}"
        for file in python_files(folder)
        if not {path.as_posix() for path in (file, *file.parents)} & {f"{PROJECT}/{reader}" for reader in READERS}
        for line in environment_reads(file.read_text(encoding="utf-8"))
    ]
    assert not reads, (
        "environment variables are read where a program starts, and handed on as arguments:\n" + "\n".join(reads)
    )


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.allowed], ids=lambda rule: rule.folder)
def test_every_exception_for_an_import_is_still_needed(rule: Rule) -> None:
    unexcused = Rule(rule.folder, rule.forbidden, rule.reason, {})
    needed = {Path(text.split(":")[0]).name for text in violations(unexcused)}
    assert needed == set(rule.allowed)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import cdktf", {"cdktf"}),
        ("from imports.proxmox.acl import Acl", {"imports.proxmox.acl.Acl"}),
        ("def late():\n    from cdktf import App", {"cdktf.App"}),
        ("from ..proxmox import image", {"homelab.proxmox.image"}),
        ("from . import units", {"homelab.config.units"}),
        ("from .units import Gibibytes", {"homelab.config.units.Gibibytes"}),
    ],
)
def test_imports_are_found_wherever_they_are(source: str, expected: set[str]) -> None:
    found = imported_modules(source, "homelab.config.environment", is_package=False)
    assert {name for name, _ in found} == expected


@pytest.mark.parametrize(
    "source", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"]
)
def test_reads_of_the_process_environment_are_found(source: str) -> None:
    assert environment_reads(source)
