"""`python -m battlectl.lab providers|gateway`: one process of the lab, as control.py starts it.

Rule: a process is told what to be by one JSON document, on its command line or as the first line of stdin.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial

import msgspec

from battlectl.lab.process import EXIT_USAGE, Serve, first_line_of_stdin, run_process


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; the exit code. Bad arguments are SystemExit 2, which is argparse's own."""
    options = _parser().parse_args(arguments)
    text = first_line_of_stdin() if options.settings == "-" else options.settings.encode()
    try:
        serve = ROLES[options.role](text)
    except msgspec.DecodeError as error:
        print(f"the settings of {options.role}: {error}", file=sys.stderr)
        return EXIT_USAGE
    return run_process(options.role, serve)


def read_providers(text: bytes) -> Serve:
    """What serves the providers of a settings document."""
    from battlectl.lab.host import ProvidersSettings, serve_providers

    return partial(serve_providers, msgspec.json.decode(text, type=ProvidersSettings))


def read_gateway(text: bytes) -> Serve:
    """What serves the gateway of a settings document."""
    from battlectl.lab.host_gateway import GatewayHostSettings, serve_gateway

    return partial(serve_gateway, msgspec.json.decode(text, type=GatewayHostSettings))


ROLES: dict[str, Callable[[bytes], Serve]] = {"providers": read_providers, "gateway": read_gateway}
"""Role -> what makes a server of its settings; raises msgspec.DecodeError for settings that are none."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m battlectl.lab", description=__doc__)
    parser.add_argument("role", choices=sorted(ROLES))
    parser.add_argument("--settings", default="{}", help="a JSON document, or - for the first line of stdin")
    return parser


if __name__ == "__main__":
    sys.exit(main())
