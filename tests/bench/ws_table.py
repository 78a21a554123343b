"""What is printed: one line per client, medians over the rounds, ratios taken within each round (pure)."""

from collections.abc import Callable, Mapping, Sequence

from tabulate import tabulate

from tests.bench.load import middle
from tests.bench.ws_load import Pair

HEADERS = (
    "client",
    "messages/s",
    "CPU us/message",
    "the same, marginal",
    "ratio",
    "messages/s a core",
    "KiB/connection",
    "ratio",
    "note",
)
FORMATS = ("", ".0f", ".1f", ".1f", ".2f", ".0f", ".1f", ".2f", "")
Rounds = Sequence[Mapping[str, Pair]]


def render(rounds: Rounds, names: Sequence[str], missing: Mapping[str, str]) -> str:
    """The table; a client that never ran says why."""
    reference = next((name for name in names if any(name in pairs for pairs in rounds)), "")
    rows = [_row(name, rounds, reference) or (name, *[""] * 7, missing.get(name, "")) for name in names]
    table = tabulate(rows, HEADERS, floatfmt=FORMATS, missingval="-")
    told = "marginal: without what a run with one connection costs; a core: what one could take at that price"
    ratios = f"Medians of {len(rounds)} rounds in turn; ratios: to {reference} in the same round"
    return f"{table}\n\n{ratios};\n{told}."


def _row(name: str, rounds: Rounds, reference: str) -> tuple[object, ...] | None:
    runs = [pairs[name] for pairs in rounds if name in pairs]
    if not runs:
        return None
    return (
        name,
        middle([run.rate for run in runs]),
        middle([run.whole_us for run in runs]),
        middle([run.more_us for run in runs]),
        _ratio(name, rounds, reference, lambda pair: pair.more_us),
        middle([run.core_rate for run in runs]),
        middle([run.kib_each for run in runs]),
        _ratio(name, rounds, reference, lambda pair: pair.kib_each),
        runs[-1].crowd.note,
    )


def _ratio(name: str, rounds: Rounds, reference: str, of: Callable[[Pair], float]) -> float | None:
    both = [pairs for pairs in rounds if name in pairs and reference in pairs]
    return middle([of(pairs[name]) / of(pairs[reference]) for pairs in both if of(pairs[reference])])
