"""Servers that differ before the first request: nobody listens, or TLS stands in between."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from tests.servers.handle import Handle, Seen
from tests.servers.listener import Behaviour, listening


@contextmanager
def refuse() -> Iterator[Handle]:
    """A closed port: bound, so that nobody else gets it, but not listening, so that the kernel refuses."""
    with contextlib.closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
        yield Handle(f"http://127.0.0.1:{port}", port, Seen)


@contextmanager
def tls(behave: Behaviour, hosts: tuple[str, ...] = ("127.0.0.1", "localhost")) -> Iterator[Handle]:
    """Serve behind a certificate for `hosts`, from an authority of its own (`ca_file`)."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    with TemporaryDirectory() as folder, listening(behave, context) as handle:
        ca_file = Path(folder) / "ca.pem"
        authority.cert_pem.write_to_path(ca_file)
        yield replace(handle, ca_file=ca_file)
