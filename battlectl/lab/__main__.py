"""`python -m battlectl.lab node|gateway`: one server process of the lab, as control.py starts it."""

from __future__ import annotations

import argparse
import sys
import time

from battlectl.lab.chain.chain import Chain, genesis_before
from battlectl.lab.gateway.app import build_gateway, gateway_handler
from battlectl.lab.process import Identity, run_server
from battlectl.lab.provider.node import node_handler


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; the exit code. Bad arguments are SystemExit 2, which is argparse's own."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _run_node(options: argparse.Namespace) -> int:
    genesis = options.genesis_time
    if genesis is None:
        genesis = genesis_before(time.time(), options.block_time)
    chain = Chain(options.seed, genesis, options.block_time)
    handler = node_handler(chain, options.latency)
    return run_server(Identity("node", options.id), options.host, options.port, handler)


def _run_gateway(options: argparse.Namespace) -> int:
    gateway = build_gateway(dict(options.provider), options.attempt_timeout)
    return run_server(Identity("gateway", "gateway"), options.host, options.port, gateway_handler(gateway))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m battlectl.lab", description=__doc__)
    roles = parser.add_subparsers(required=True)
    node = _role(roles.add_parser("node", help="a simulated Ethereum node"))
    node.set_defaults(run=_run_node)
    node.add_argument("--id", default="provider_a")
    node.add_argument("--seed", type=int, default=1)
    node.add_argument("--genesis-time", type=float, help="Unix seconds; nodes of one chain share it")
    node.add_argument("--block-time", type=_positive, default=1.0, help="seconds")
    node.add_argument("--latency", type=_not_negative, default=0.0, help="seconds added to every answer")
    gateway = _role(roles.add_parser("gateway", help="a small aggregator in front of nodes"))
    gateway.set_defaults(run=_run_gateway)
    gateway.add_argument("--provider", type=_provider, action="append", required=True, metavar="ID=URL")
    gateway.add_argument("--attempt-timeout", type=_positive, default=2.0, help="seconds")
    return parser


def _role(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    return parser


def _provider(text: str) -> tuple[str, str]:
    id_, equals, url = text.partition("=")
    if not (id_ and equals and url.startswith("http://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=http://HOST:PORT")
    return id_, url


def _not_negative(text: str) -> float:
    return 0.0 if float(text) == 0 else _positive(text)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
