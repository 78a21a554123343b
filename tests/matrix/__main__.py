"""`make detect` and `make soundness`: `python -m tests.matrix {detect,soundness}`, see --help.

Rule: a line for each trial as it ends, a table, the four counts, and exit code 1 when anything was missed,
caught for the wrong reason, or a false alarm.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.matrix.rows import FAILURES, Row
from tests.matrix.table import detections, soundness
from tests.matrix.words import markdown, table

Job = Callable[[Path], Row]
DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Everything that was asked for."""
    options = _parser().parse_args()
    jobs = detections() if options.what == "detect" else soundness(range(1, options.seeds + 1))
    chosen = {
        name: job for name, job in jobs.items() if not options.only or name.split("@")[0] in options.only
    }
    rows = fight(chosen, options.jobs)
    print(table(rows))
    print(counts(rows), flush=True)
    if options.write:
        title = "Detection" if options.what == "detect" else "Soundness"
        path = DOCS / f"{title.lower()}.md"
        path.write_text(markdown(title, rows, counts(rows)))
    return 1 if any(row.fate in FAILURES for row in rows) else 0


def fight(jobs: dict[str, Job], at_once: int) -> list[Row]:
    """Every job, some at once; the rows in the order of the jobs."""
    found: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder, ThreadPoolExecutor(at_once) as pool:
        places = {name: Path(folder) / name.replace("/", "-") for name in jobs}
        futures = {pool.submit(job, places[name]): name for name, job in jobs.items()}

        for number, future in enumerate(as_completed(futures), 1):
            name = futures[future]
            found[name] = row = future.result()
            print(f"{number}/{len(jobs)}  {name}: {row.fate}  {row.by}", flush=True)
    return [found[name] for name in jobs]


def counts(rows: Iterable[Row]) -> str:
    """How many there are of each fate."""
    return ", ".join(f"{number} {fate}" for fate, number in Counter(row.fate for row in rows).most_common())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("what", choices=["detect", "soundness"])
    parser.add_argument("--only", nargs="*", default=[], help="these defects or scenarios alone")
    parser.add_argument("--seeds", type=int, default=10, help="of soundness")
    parser.add_argument("--jobs", type=int, default=3, help="trials at the same time")
    parser.add_argument("--write", action="store_true", help="write docs/detection.md or docs/soundness.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
