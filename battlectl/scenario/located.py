"""YAML text as a plain value tree in which every key and value knows its line and column.

Rule: the values are those of `yaml.safe_load`, restricted to what JSON can say; whatever else stands in the
file is a problem with a position, and one problem does not hide the next.
"""

from __future__ import annotations

from typing import Any

from battlectl.errors import BadFile, Problem
from battlectl.scenario.places import Located, Path, Place, describe, dotted, looks_different
from battlectl.scenario.yamltext import (
    MAX_DEPTH,
    Node,
    check_text,
    compose,
    is_merge_key,
    read_scalar,
    scalar_tag,
)

MAX_NODES = 50_000


def read_yaml(text: str, file: str) -> Located:
    """The whole tree of one file, its top a mapping; raises `BadFile` where YAML itself cannot be read."""
    node = compose(text, file)
    if node is None:
        raise BadFile(
            [Problem(file, 1, 1, "", "the file is empty, `battlectl init` writes one to start from")]
        )
    located = locate(node, file)
    if not isinstance(located.tree, dict):
        place = located.values[()]
        message = f"the top must be a mapping such as `version: 1`, not {describe(located.tree)}"
        raise BadFile([*located.problems, Problem(file, place.line, place.column, "", message)])
    return located


def locate(node: Node, file: str) -> Located:
    """The tree of a composed node; raises `BadFile` for one that is too big, too deep or contains itself."""
    builder = _Builder(file)
    tree = builder.build(node, (), 0)
    return Located(
        file,
        tree,
        builder.keys,
        builder.values,
        builder.spelled,
        frozenset(builder.plain),
        tuple(builder.problems),
    )


class _Builder:
    """Collects while it walks the nodes; a class because six collections grow together."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.spelled: dict[Path, str] = {}
        self.plain: set[Path] = set()
        self.problems: list[Problem] = []
        self.visited = 0

    def build(self, node: Node, path: Path, depth: int) -> Any:
        self._count(node, depth)
        self.values[path] = self._place(node)
        if node.id == "mapping":
            return self._build_mapping(node, path, depth)
        if node.id == "sequence":
            self._refuse_tag(node, path, "tag:yaml.org,2002:seq")
            return [self.build(child, (*path, i), depth + 1) for i, child in enumerate(node.value)]
        return self._build_scalar(node, path)

    def _build_mapping(self, node: Node, path: Path, depth: int) -> dict[str, Any]:
        self._refuse_tag(node, path, "tag:yaml.org,2002:map")
        pairs = self._merged(node, path, depth)
        own: dict[str, Node] = {}
        for key, value in node.value:
            if is_merge_key(key):
                continue
            name = self._read_key(key, path)
            if name is None:
                continue
            if name in own:
                first = own[name].start_mark.line + 1
                message = f'the key "{name}" is there twice, first on line {first}: remove one'
                self._report(key, (*path, name), message)
                continue
            own[name] = key
            pairs[name] = (key, value)
        tree = {}
        for name, (key, value) in pairs.items():
            self.keys[(*path, name)] = self._place(key)
            tree[name] = self.build(value, (*path, name), depth + 1)
        return tree

    def _merged(self, node: Node, path: Path, depth: int) -> dict[str, tuple[Node, Node]]:
        """The pairs that `<<` brings in; earlier mappings of a list win over later ones."""
        pairs: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            if not is_merge_key(key):
                continue
            sources = value.value if value.id == "sequence" else [value]
            for source in sources:
                if source.id != "mapping":
                    self._report(key, path, "`<<` takes a mapping or a list of mappings, try `<<: *name`")
                    continue
                for name, pair in self._pairs_of(source, path, depth + 1).items():
                    pairs.setdefault(name, pair)
        return pairs

    def _pairs_of(self, node: Node, path: Path, depth: int) -> dict[str, tuple[Node, Node]]:
        self._count(node, depth)
        pairs = self._merged(node, path, depth)
        for key, value in node.value:
            self._count(key, depth)
            if not is_merge_key(key) and key.id == "scalar":
                pairs[key.value] = (key, value)
        return pairs

    def _read_key(self, key: Node, path: Path) -> str | None:
        if key.id != "scalar":
            self._report(key, path, "a key must be a text, quote it if it contains [ or {")
            return None
        name = str(key.value)
        try:
            check_text(name)
        except ValueError as error:
            self._report(key, path, f"a key {error}")
            return None
        if scalar_tag(key) not in ("str", "timestamp", "value"):
            meaning = describe(read_key_value(key))
            self._report(key, (*path, name), f'the key {name} is {meaning} in YAML: quote it, "{name}"')
        return name

    def _build_scalar(self, node: Node, path: Path) -> Any:
        try:
            value = read_scalar(node)
        except ValueError as error:
            self._report(node, path, str(error))
            return None
        if node.style is None and isinstance(value, str):
            self.plain.add(path)
        if node.style is None and looks_different(node.value, value):
            self.spelled[path] = node.value
        return value

    def _refuse_tag(self, node: Node, path: Path, usual: str) -> None:
        if node.tag != usual:
            self._report(node, path, f"the tag {short_tag(node.tag)} is not allowed here, leave it away")

    def _count(self, node: Node, depth: int) -> None:
        self.visited += 1
        if self.visited > MAX_NODES:
            message = (
                f"more than {MAX_NODES:,} values, aliases expanded: write fewer, or put lists into feeds"
            )
        elif depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels, or an alias that contains itself: flatten it"
        else:
            return
        self._report(node, (), message)
        raise BadFile(self.problems)

    def _report(self, node: Node, path: Path, message: str) -> None:
        place = self._place(node)
        self.problems.append(Problem(self.file, place.line, place.column, dotted(path), message))

    def _place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def read_key_value(key: Node) -> Any:
    """What YAML makes of a key that is no text; its spelling where even that fails."""
    try:
        return read_scalar(key)
    except ValueError:
        return key.value


def short_tag(tag: str) -> str:
    """`tag:yaml.org,2002:set` as it is written, `!!set`."""
    return tag.replace("tag:yaml.org,2002:", "!!")
