"""``make bench``: every figure of docs/performance.md, as ratios measured in this one run.

``python -m benchmarks [--write] [--without-apply]``; ``--write`` puts the results into docs/performance.md.
"""

import argparse
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import applying, deploying, reviewing, services, synthesizing

DOCUMENT = synthesizing.PROJECT / "docs" / "performance.md"
BEGIN, END = "<!-- results: make bench -->", "<!-- end of results -->"
JOBS = 8


@dataclass(frozen=True)
class Row:
    """A line of the table. ``bar`` is what the figure must not exceed."""

    what: str
    measured: str
    figure: float
    bar: float

    def markdown(self) -> str:
        """The line in Markdown."""
        bar = "-" if self.bar == float("inf") else f"{self.bar:g}"
        verdict = "-" if bar == "-" else "yes" if self.figure <= self.bar else "**no**"
        return f"| {self.what} | {self.measured} | {self.figure:.2f} | {bar} | {verdict} |"


def synthesis_rows(folder: Path) -> Iterator[Row]:
    """Synthesis and checking."""
    bare = synthesizing.bare_program(1000, folder, optimized=False)
    bare_optimized = synthesizing.bare_program(1000, folder, optimized=True)
    ours = synthesizing.main_program(1000, folder)
    twice = synthesizing.main_program(2000, folder)
    yield Row(
        "synthesis of 1,000 guests / bare cdktf program",
        f"{ours.seconds:.2f} s / {bare.seconds:.2f} s",
        ours.seconds / bare.seconds,
        1.15,
    )
    yield Row(
        "the same, the bare program under `python -O` too",
        f"{ours.seconds:.2f} s / {bare_optimized.seconds:.2f} s",
        ours.seconds / bare_optimized.seconds,
        float("inf"),
    )
    yield Row(
        "2,000 guests / 1,000 guests",
        f"{twice.seconds:.2f} s / {ours.seconds:.2f} s",
        twice.seconds / ours.seconds,
        2.1,
    )
    yield Row("peak memory at 1,000 guests, MiB", f"{ours.peak_mib:.0f} MiB", ours.peak_mib, 600)
    thousand = synthesizing.check([synthesizing.write_environment(1000, folder)])
    examples = synthesizing.check(sorted((synthesizing.PROJECT / "environments").glob("*.yaml")))
    yield Row("`homelab check` of 1,000 guests, seconds", f"{thousand.seconds:.2f} s", thousand.seconds, 1.0)
    yield Row("`homelab check` of the examples, seconds", f"{examples.seconds:.2f} s", examples.seconds, 0.4)
    plan = reviewing.review(2000, folder)
    yield Row("`homelab review` of 2,000 changes, seconds", f"{plan.seconds:.2f} s", plan.seconds, 2.0)


def apply_rows() -> Iterator[Row]:
    """Planning and applying on the simulator."""
    with tempfile.TemporaryDirectory() as folder:
        ours = applying.grouped_stacks(1000, Path(folder), JOBS)
    with tempfile.TemporaryDirectory() as folder:
        hcl = applying.one_hcl_state(1000, Path(folder))
    yield Row(
        "1,000 containers synthesized, planned, applied / one HCL state",
        f"{ours.total:.0f} s / {hcl.total:.0f} s",
        ours.total / hcl.total,
        0.25,
    )
    yield Row(
        "a change to one guest / in one HCL state",
        f"{ours.one_change:.1f} s / {hcl.one_change:.1f} s",
        ours.one_change / hcl.one_change,
        0.5,
    )
    yield Row("stacks planned for it", str(ours.stacks_planned_for_one_change), ours.stacks_planned_for_one_change, 1)


def deploy_rows(guests: int = 200) -> Iterator[Row]:
    """What the command costs besides Terraform."""
    with tempfile.TemporaryDirectory() as folder:
        hand = deploying.by_hand(guests, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        alone = deploying.by_command(guests, Path(folder), jobs=1)
    with tempfile.TemporaryDirectory() as folder:
        usual = deploying.by_command(guests, Path(folder), jobs=10)
    yield Row(
        f"`homelab deploy --jobs 1` of {guests} containers / the same by hand, processor time",
        f"{alone.first.processor:.1f} s / {hand.first.processor:.1f} s",
        alone.first.processor / hand.first.processor,
        1.1,
    )
    yield Row(
        "on the clock, with ten stacks at once, the default",
        f"{usual.first.clock:.1f} s / {hand.first.clock:.1f} s",
        usual.first.clock / hand.first.clock,
        1.1,
    )
    yield Row(
        "the second run, with nothing to do, seconds",
        f"{usual.second.clock:.1f} s ({usual.second.processor:.1f} s of processor; "
        f"by hand {hand.second.clock:.1f} s, {hand.second.processor:.1f} s)",
        usual.second.clock,
        15,
    )


def service_rows() -> Iterator[Row]:
    """The services of the source document's catalogue, all at once."""
    names = services.of_the_document()
    with tempfile.TemporaryDirectory() as folder:
        chain = services.deploy(services.longest_chain(names), Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        every = services.deploy(names, Path(folder))
    yield Row(
        f"{len(names)} services deployed / the longest chain of steps that need each other",
        f"{every:.0f} s / {chain:.0f} s",
        every / chain,
        1.5,
    )


def main() -> int:
    """Measure, print and perhaps write; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    parser.add_argument("--without-apply", action="store_true", help="leave out what takes minutes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_shown(synthesis_rows(Path(folder))))
    if not arguments.without_apply:
        rows += _shown(apply_rows())
        rows += _shown(service_rows())
        rows += _shown(deploy_rows())
    if arguments.write:
        _write(rows)
    return 0 if all(row.figure <= row.bar for row in rows) else 1


def _shown(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        print(row.markdown(), flush=True)
        yield row


def _write(rows: list[Row]) -> None:
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    table = ["| what | measured | figure | bar | met |", "|---|---|---|---|---|", *(row.markdown() for row in rows)]
    new = f"{head}{BEGIN}\n\n{machine}, best of three runs each.\n\n" + "\n".join(table) + f"\n\n{END}{tail}"
    temporary = DOCUMENT.with_suffix(".new")
    temporary.write_text(new)
    temporary.replace(DOCUMENT)


if __name__ == "__main__":
    raise SystemExit(main())
