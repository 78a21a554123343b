"""The `chaos` of a target's config file: how its providers can be broken.

Rule: what healing needs can be stored without a secret. A secret is written as `${NAME}`, and a journal
keeps the file's own spelling; `read_again` fills it in for whoever heals later.

    chaos: {driver: toxiproxy, url: "http://127.0.0.1:8474", token: "${TOKEN}"}
    chaos: {driver: haproxy, socket: /run/haproxy.sock, backend: nodes}
    chaos: {driver: process, processes: {node_a: {pid_file: a.pid, restart: [anvil, --port, "8545"]}}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, TypeAdapter, ValidationError, model_validator

from battlectl.scenario.fields import Name, PositiveDuration, Strict, Text, Url
from battlectl.scenario.masking import MASK
from battlectl.scenario.places import Located, Mistake, Path
from battlectl.scenario.substitute import substitute

LONGEST_LEASE = 3_600
Argument = Annotated[str, Field(max_length=10_000)]
Command = Annotated[tuple[Argument, ...], Field(min_length=1, strict=False)]
"""A program and its arguments; no shell reads it."""

_REFERENCE = re.compile(r"[^$]*\$\{[A-Za-z_][A-Za-z0-9_]*\}[^$]*")


class ToxiproxyChaos(Strict):
    """The lab, or a real Toxiproxy, by its HTTP API.

    A provider's proxy has the provider's id for a name unless `proxies` says another. `lease` is how long
    the lab lets a fault live that nobody renews; a real Toxiproxy knows no leases.
    """

    driver: Literal["toxiproxy"]
    url: Url
    token: Text | None = None
    lease: Annotated[PositiveDuration, Field(ge=2, le=LONGEST_LEASE)] = 5.0
    proxies: dict[Name, Text] = Field(default_factory=dict)


class LocalProcess(Strict):
    """A provider's process on this machine: found by `pid`, by `pid_file`, or by a command that prints it.

    After a kill `restart` starts it again, or a supervisor does: within `expect_restart`.
    """

    pid: Annotated[int, Field(ge=2)] | None = None
    pid_file: Text | None = None
    pid_command: Command | None = None
    signal: Literal["KILL", "TERM", "INT", "QUIT", "ABRT", "HUP"] = "KILL"
    restart: Command | None = None
    expect_restart: PositiveDuration | None = None

    @model_validator(mode="after")
    def _is_found_in_one_way(self) -> LocalProcess:
        ways = [way for way in (self.pid, self.pid_file, self.pid_command) if way is not None]
        if len(ways) != 1:
            raise ValueError("needs one of pid, pid_file and pid_command, and no second one")
        if self.restart is not None and self.expect_restart is not None:
            raise ValueError("either `restart` starts it, or a supervisor that `expect_restart` waits for")
        if self.pid is not None and (self.restart or self.expect_restart):
            raise ValueError("a process that was started anew has another pid: use pid_file or pid_command")
        return self


class ProcessChaos(Strict):
    """Signals to local processes, one for each provider that can be broken."""

    driver: Literal["process"]
    processes: Annotated[dict[Name, LocalProcess], Field(min_length=1)]


class HttpRequest(Strict):
    """One request; `{provider}`, `{fault}`, `{kind}` and parameters such as `{latency_ms}` are filled in.

    `path` is added to the driver's `url`. `body` is JSON; a text that is one placeholder becomes its value.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: Annotated[str, Field(pattern=r"^/")]
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """The answer that means done; none: any 2xx."""


class HttpProbe(HttpRequest):
    """A question whose answer tells whether the fault is in force: what stands `at` equals `is`.

    `at` is a path into the answer's JSON, as in `document`.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    at: str = ""
    is_: Any = Field(alias="is")


class HttpDocument(Strict):
    """A JSON document that is fetched, changed at one place and stored; healing stores what was fetched.

    `at` is a path such as `/providers/{provider}/enabled`, or `/providers/[id={provider}]/enabled` where
    the providers are a list. There `value` is put, or with `remove` what stands there is taken out.
    """

    path: Annotated[str, Field(pattern=r"^/")]
    store: Literal["PUT", "POST", "PATCH"] = "PUT"
    at: Annotated[str, Field(pattern=r"^/")]
    value: Any = None
    remove: bool = False
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _changes_in_one_way(self) -> HttpDocument:
        if self.remove == ("value" in self.model_fields_set):
            raise ValueError("either `value`, or `remove: true`")
        return self


class HttpFault(Strict):
    """How one kind of fault is put in force and taken back: two requests, or a document."""

    inject: HttpRequest | None = None
    heal: HttpRequest | None = None
    probe: HttpProbe | None = None
    document: HttpDocument | None = None

    @model_validator(mode="after")
    def _can_be_healed(self) -> HttpFault:
        if self.document is not None and (self.inject or self.heal):
            raise ValueError("either `document`, or `inject` and `heal`")
        if self.document is None and (self.inject is None or self.heal is None):
            raise ValueError("needs `inject` and `heal`, or `document`")
        return self


class HttpChaos(Strict):
    """Any admin API, described by templates."""

    driver: Literal["http"]
    url: Url
    headers: dict[str, str] = Field(default_factory=dict)
    faults: Annotated[dict[Name, HttpFault], Field(min_length=1)]


class HaproxyChaos(Strict):
    """HAProxy's runtime socket, of level admin. `servers` has the names that are not the provider's."""

    driver: Literal["haproxy"]
    socket: Text
    backend: Text
    servers: dict[Name, Text] = Field(default_factory=dict)


TargetChaos = Annotated[
    Annotated[ToxiproxyChaos, Tag("toxiproxy")]
    | Annotated[ProcessChaos, Tag("process")]
    | Annotated[HttpChaos, Tag("http")]
    | Annotated[HaproxyChaos, Tag("haproxy")],
    Field(discriminator="driver"),
]
"""The tags say it again for `shape.follow`, which finds the place of a mistake by them."""

_ADAPTER: TypeAdapter[Any] = TypeAdapter(TargetChaos)


def check_secrets(shown: Any, path: Path = ("chaos",)) -> Iterator[Mistake]:
    """Secrets that the file says literally: nobody could heal later without storing them.

    `shown` is the tree with `${NAME}` left standing.
    """
    token = shown.get("token") if isinstance(shown, dict) else None
    if isinstance(token, str) and not _REFERENCE.fullmatch(token):
        yield Mistake((*path, "token"), 'is written out: put it into a variable, as in "${CHAOS_TOKEN}"')
    for place, text in _texts(shown, path):
        if MASK in text:
            yield Mistake(place, "holds a secret that is written out: put it into a variable, ${NAME}")


def _texts(tree: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(tree, str):
        yield path, tree
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in pairs:
        yield from _texts(child, (*path, key))


def read_again(shown: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
    """The configuration that a journal has, and its secrets by value; ValueError says what is missing."""
    everything = frozenset(place for place, _ in _texts(dict(shown), ()))
    for plain in (frozenset[Path](), everything):  # Whether `${NAME}` was quoted is not in a journal.
        located = Located("", dict(shown), {}, {}, {}, plain, ())
        filled = substitute(located, environ)
        if filled.located.problems:
            raise ValueError("; ".join(problem.message for problem in filled.located.problems))
        try:
            return _ADAPTER.validate_python(filled.located.tree), filled.secrets
        except ValidationError as error:
            count = error.error_count()
    raise ValueError(f"the driver that a journal names cannot be read: {count} mistakes")
