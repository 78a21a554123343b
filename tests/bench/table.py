"""What is printed: one line per generator, medians over the rounds, ratios taken within each round (pure)."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from tests.bench.load import Result, middle

HEADERS = ("generator", "requests", "per second", "CPU us/request", "CPU ratio", "p50 ms", "p99 ms", "note")
Rounds = Sequence[Mapping[str, Result]]


def render(rounds: Rounds, names: Sequence[str], missing: Mapping[str, str]) -> str:
    """The table; a generator that never ran says why."""
    reference = next((name for name in names if any(name in results for results in rounds)), "")
    rows = [_row(name, rounds, reference) or (name, *[""] * 6, missing.get(name, "")) for name in names]
    formats = ("", "", ".0f", ".1f", ".2f", ".2f", ".2f", "")
    table = tabulate(rows, HEADERS, floatfmt=formats, missingval="-")
    return f"{table}\n\nMedians of {len(rounds)} rounds in turn; CPU ratio: to {reference} in the same round."


def _row(name: str, rounds: Rounds, reference: str) -> tuple[object, ...] | None:
    runs = [results[name] for results in rounds if name in results]
    if not runs:
        return None
    return (
        name,
        int(middle([run.requests for run in runs]) or 0),
        middle([run.rate for run in runs]),
        middle([run.cpu_us for run in runs]),
        _ratio(name, rounds, reference),
        middle([run.p50_ms for run in runs]),
        middle([run.p99_ms for run in runs]),
        runs[-1].note,
    )


def _ratio(name: str, rounds: Rounds, reference: str) -> float | None:
    both = [results for results in rounds if name in results and reference in results]
    return middle([results[name].cpu_us / results[reference].cpu_us for results in both])
