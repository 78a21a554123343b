"""`python -m battlectl.lab providers|gateway`: one process of the lab, as control.py starts it.

Rule: a process is told what to be by one JSON document, on its command line or as the first line of stdin.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from battlectl.lab.process import EXIT_USAGE, Tell, first_line_of_stdin, run_process

Role = tuple[type[Any], Callable[[Any, Tell], Awaitable[None]]]
"""The type of its settings, and what serves with them until cancelled."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; the exit code. Bad arguments are SystemExit 2, which is argparse's own."""
    options = _parser().parse_args(arguments)
    kind, serve = ROLES[options.role]()  # before the settings are waited for: they may come later
    text = first_line_of_stdin() if options.settings == "-" else options.settings.encode()
    try:
        settings = msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        print(f"the settings of {options.role}: {error}", file=sys.stderr)
        return EXIT_USAGE
    return run_process(options.role, partial(serve, settings))


def load_providers() -> Role:
    """All providers and the admin API."""
    from battlectl.lab.host import ProvidersSettings, serve_providers

    return ProvidersSettings, serve_providers


def load_gateway() -> Role:
    """The reference gateway."""
    from battlectl.lab.host_gateway import GatewayHostSettings, serve_gateway

    return GatewayHostSettings, serve_gateway


ROLES: dict[str, Callable[[], Role]] = {"providers": load_providers, "gateway": load_gateway}
"""By name; each imports only what it needs."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m battlectl.lab", description=__doc__)
    parser.add_argument("role", choices=sorted(ROLES))
    parser.add_argument("--settings", default="{}", help="a JSON document, or - for the first line of stdin")
    return parser


if __name__ == "__main__":
    sys.exit(main())
