"""The HTTP server of a sandbox: uvicorn on a socket that is there before it, with two habits of clients minded."""

from __future__ import annotations

import errno
import re
import socket

from airflow_provider_insightly.sandbox.app import App
from airflow_provider_insightly.sandbox.sandbox import Sandbox

try:
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:  # an installation without the sandbox lacks it
    raise ImportError("The sandbox needs: pip install 'airflow-provider-insightly[sandbox]'") from None

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)

LONGEST_HEAD = 1024 * 1024  # bytes; what is longer is no request

# Clients keep connections for longer than uvicorn's 5 seconds, and one that closes as a request arrives resets it.
KEEP_ALIVE_SECONDS = 75


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as clients speak it.

    Java's client offers to change to HTTP/2 with each request. uvicorn's parser takes every such offer for accepted and
    loses the body that follows, so the offer is taken out before it is parsed. Other clients write letters that are not
    ASCII into the URL as they are, which the live API's web server takes and uvicorn's parser refuses.
    """

    _begun = b""  # a request's headers as far as they have come

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent; asyncio calls this."""
        if self.cycle is None or self.cycle.response_complete:
            head, end, body = (self._begun + data).partition(b"\r\n\r\n")
            if not end and len(head) < LONGEST_HEAD:
                self._begun = head
                return
            self._begun = b""
            if not head.isascii():
                line, rest, fields = head.partition(b"\r\n")
                head = _NOT_ASCII.sub(lambda match: b"%%%02X" % match[0][0], line) + rest + fields
            data = _UPGRADE.sub(b"", head) + end + body
        super().data_received(data)


def make_server(sandbox: Sandbox) -> uvicorn.Server:
    """Return the HTTP server of a sandbox; its headers are the sandbox's own."""
    return uvicorn.Server(
        uvicorn.Config(
            App(sandbox),
            http=Protocol,
            access_log=False,
            log_level="warning",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections; they wait there until the server runs.

    :raises OSError: when the address is not this machine's, or another program has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends answers without delay only on sockets that name their protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        advice = "; --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
        raise OSError(f"{host}:{port}: {error.strerror}{advice}") from None
    listener.listen(2048)
    return listener
