"""`${NAME}` from the environment, put into a located tree.

Rule: only values are filled in, never keys; every value that came from the environment is known by name
afterwards, so that reports and messages can show `${NAME}` in its place.

    rate: ${RATE}              an unquoted value that is one variable is read as YAML: 5 is a number
    url: ${URL:-http://[::1]}  a default for a variable that is unset or empty
    name: costs $${PRICE}      the text "costs ${PRICE}"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from battlectl.errors import Problem
from battlectl.scenario.places import Located, Mistake, Path
from battlectl.scenario.yamltext import check_text, read_plain

SHORTEST_SECRET = 4
"""Shorter values (a port, a seed) are no secrets, and masking them would spoil every number in a report."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{([^}]*)\}?")


@dataclass(frozen=True, slots=True)
class Filled:
    """A tree with its variables filled in; `shown` is the same tree with `${NAME}` left standing.

    `secrets` maps each value that came from the environment to the variable's name.
    """

    located: Located
    shown: Any
    secrets: Mapping[str, str]


def substitute(located: Located, environ: Mapping[str, str]) -> Filled:
    """Fill in every `${NAME}`; what cannot be filled in is a problem and stays as it was written."""
    filling = _Filling(located, environ)
    tree, shown = filling.fill(located.tree, ())
    done = replace(located, tree=tree, problems=(*located.problems, *filling.problems))
    return Filled(done, shown, filling.secrets)


class _Filling:
    """Walks the tree once for both results; a class because problems and secrets grow on the way."""

    def __init__(self, located: Located, environ: Mapping[str, str]) -> None:
        self.located = located
        self.environ = environ
        self.problems: list[Problem] = []
        self.secrets: dict[str, str] = {}

    def fill(self, value: Any, path: Path) -> tuple[Any, Any]:
        if isinstance(value, dict):
            pairs = {key: self.fill(child, (*path, key)) for key, child in value.items()}
            return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}
        if isinstance(value, list):
            items = [self.fill(child, (*path, i)) for i, child in enumerate(value)]
            return [item[0] for item in items], [item[1] for item in items]
        if isinstance(value, str) and "${" in value:
            return self._fill_text(value, path)
        return value, value

    def _fill_text(self, text: str, path: Path) -> tuple[Any, Any]:
        used: set[str] = set()
        filled = _REFERENCE.sub(lambda match: self._resolve(match, path, used), text)
        shown = _REFERENCE.sub(lambda match: self._show(match), text)
        whole = _REFERENCE.fullmatch(text)
        if path in self.located.plain and whole is not None and whole[1]:
            value = read_plain(filled)
            for name in used if not isinstance(value, str) else ():
                self.secrets.pop(self.environ[name], None)
            return value, shown if used else value
        return filled, shown

    def _resolve(self, match: re.Match[str], path: Path, used: set[str]) -> str:
        name, default = match[1], match[2]
        if match[0] == "$${":
            return "${"
        if name is None:
            self._report(path, f'"{match[0]}" is no variable, try "${{NAME}}", or "$${{" for the text itself')
            return match[0]
        found = self.environ.get(name, "")
        try:
            check_text(found)
        except ValueError as error:
            self._report(path, f"the variable {name} {error}")
            return match[0]
        if found:
            used.add(name)
            if len(found) >= SHORTEST_SECRET:
                self.secrets[found] = name
            return found
        if default is None:
            state = "empty" if name in self.environ else "not set"
            self._report(path, f'the variable {name} is {state}: export it, or write "${{{name}:-default}}"')
            return match[0]
        return default

    def _show(self, match: re.Match[str]) -> str:
        if match[0] == "$${" or match[1] is None:
            return match[0].replace("$$", "$")
        return f"${{{match[1]}}}" if self.environ.get(match[1]) or match[2] is None else match[2]

    def _report(self, path: Path, message: str) -> None:
        self.problems.append(self.located.problem(Mistake(path, message)))


def mask_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """A text in which every value from the environment is shown as its `${NAME}`."""
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, f"${{{secrets[value]}}}")
    return text
