"""A scenario file, whole: text in, a frozen scenario and its feeds out, or every mistake at once.

Rule: text -> located tree -> `--set` -> `${NAME}` -> model -> rules between fields; each step adds its
problems and goes on, and only at the end is the file refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from battlectl.errors import BadFile, Problem
from battlectl.scenario.checks import check_scenario
from battlectl.scenario.draft import build_draft
from battlectl.scenario.feeds import ReadText, Values, check_feed_use, read_feeds
from battlectl.scenario.located import read_yaml
from battlectl.scenario.masking import mask_headers
from battlectl.scenario.model import Scenario
from battlectl.scenario.overrides import apply_sets
from battlectl.scenario.places import Located, Mistake, Path, surprise
from battlectl.scenario.shape import settable_keys
from battlectl.scenario.substitute import mask_secrets, substitute
from battlectl.scenario.validated import settle, validate_tree


@dataclass(frozen=True, slots=True)
class ParsedScenario:
    """A valid scenario file.

    `resolved` is its plain tree with `${NAME}` standing for what came from the environment; `secrets` are
    those values, to be masked wherever text leaves battlectl. `located` is the file with its places, `masks`
    what stands for each secret.
    """

    scenario: Scenario
    feeds: Mapping[str, Values]
    resolved: dict[str, Any]
    secrets: frozenset[str]
    located: Located
    masks: Mapping[str, str]

    def refusal(self, mistakes: Iterable[Mistake]) -> BadFile:
        """What a later step found wrong with the file, at its places and with no secret in it."""
        return BadFile(mask_problems(locate_mistakes(self.located, mistakes), self.masks))


def parse_scenario(
    text: str, file: str, environ: Mapping[str, str], sets: Sequence[str], read_text: ReadText
) -> ParsedScenario:
    """The scenario of a file; raises `BadFile` with all problems. `read_text` reads feeds."""
    located = apply_sets(read_yaml(text, file), sets, lambda path: settable_keys(Scenario, path))
    filled = substitute(located, environ)
    located = filled.located
    scenario, mistakes = validate_tree(Scenario, located)
    draft = build_draft(located.tree)
    feeds, feed_mistakes, feed_problems = read_feeds(draft, file, read_text)
    found = [
        *mistakes,
        *check_scenario(draft),
        *feed_mistakes,
        *check_feed_use(draft, feeds),
        *_surprises(located, mistakes),
    ]
    problems = [*locate_mistakes(located, found), *feed_problems]
    if problems or scenario is None:
        raise BadFile(mask_problems(problems, filled.secrets))
    shown, header_secrets = mask_headers(filled.shown)
    secrets = frozenset(filled.secrets) | header_secrets
    return ParsedScenario(scenario, feeds, shown, secrets, located, filled.secrets)


def locate_mistakes(located: Located, mistakes: Iterable[Mistake]) -> Iterator[Problem]:
    """The tree's own problems, then the mistakes; a path into a short form ends where the file ends.

    A value that could not be read or filled in is reported once, not again for what it became.
    """
    yield from located.problems
    unread = {(p.file, p.line, p.column, p.path) for p in located.problems}
    for mistake in mistakes:
        path, _ = settle(located.tree, mistake.path)
        problem = located.problem(replace(mistake, path=path))
        if mistake.at_key or (problem.file, problem.line, problem.column, problem.path) not in unread:
            yield problem


def mask_problems(problems: Iterable[Problem], secrets: Mapping[str, str]) -> Iterator[Problem]:
    """Each problem once, with no value of the environment in it."""
    for problem in dict.fromkeys(problems):
        yield replace(problem, message=_shortened(mask_secrets(problem.message, secrets)))


def _shortened(message: str) -> str:
    return message if len(message) <= 400 else f"{message[:200]} ... {message[-160:]}"


def _surprises(located: Located, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """Unquoted 0x10, 12:30 or on where JSON is meant: JSON-RPC wants texts there, and YAML makes numbers."""
    known = {mistake.path for mistake in mistakes}
    for path, written in located.spelled.items():
        if path not in known and _is_json(path):
            message = f'{surprise(written, _at(located.tree, path))}: quote it, "{written}"'
            yield Mistake(path, message)


def _is_json(path: Path) -> bool:
    json_keys = {"load": {"params", "result"}, "chaos": {"data"}}.get(str(path[0]), set())
    return bool(json_keys & set(path[2:]))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree[part]
    return tree
