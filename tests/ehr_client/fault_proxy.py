"""A FHIR server that misbehaves on purpose, in front of canned answers or of a real one.

It records what it was asked, so that a test can say what never arrived. How it behaves is in `habits`
(what HAPI does, and is within its rights to do) and `faults` (what breaks).
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

FHIR = "application/fhir+json"


class Asked(msgspec.Struct, frozen=True):
    """One request as it arrived; header names in small letters."""

    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, str]:
        """The query, the last value of each name."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


class Answer(msgspec.Struct, frozen=True):
    """One answer, whole."""

    status: int = 200
    body: bytes = b""
    kind: str = FHIR
    headers: dict[str, str] = {}


Upstream = Callable[[Asked], Answer]
# Gets the request, what would be answered, and the connection; None when it has answered by itself.
Habit = Callable[[Asked, Upstream, "Wire"], Answer | None]


class Wire:
    """The connection of one request, for a habit that does not answer as HTTP asks."""

    def __init__(self, handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        """Bind the handler, and what says that the proxy is being stopped."""
        self._handler = handler
        self.over = over

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def drip(self, data: bytes, every: float) -> None:
        """Send a byte now and then, for as long as anybody listens."""
        try:
            for byte in data:
                self.raw(bytes([byte]))
                if self.over.wait(every):
                    return
        except OSError:
            return

    def reset(self) -> None:
        """End the connection without a goodbye (RST)."""
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
        connection.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """End the connection."""
        self._handler.close_connection = True


class FaultProxy:
    """The proxy: what lies behind it, and how it behaves at the moment.

    Args:
        upstream: what is answered when nothing goes wrong.
    """

    def __init__(self, upstream: Upstream) -> None:
        """Behave well."""
        self.upstream = upstream
        self.habit: Habit = well_behaved
        self.asked: list[Asked] = []
        self.connections = 0
        self.base = ""
        self.over = threading.Event()

    def behave(self, habit: Habit) -> None:
        """Behave in another way from now on, and forget what was asked."""
        self.habit = habit
        self.asked = []
        self.connections = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.path, headers)
        self.asked.append(asked)
        found = self.habit(asked, self.upstream, Wire(handler, self.over))
        if found is None:
            return
        handler.send_response(found.status)
        handler.send_header("Content-Type", found.kind)
        for name, value in found.headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in found.headers:
            handler.send_header("Content-Length", str(len(found.body)))
        handler.end_headers()
        handler.wfile.write(found.body)


def well_behaved(asked: Asked, upstream: Upstream, _: Wire) -> Answer:
    """Answer what lies behind."""
    return upstream(asked)


@contextmanager
def serving(upstream: Upstream, path: str = "/fhir") -> Iterator[FaultProxy]:
    """Serve on loopback; the proxy, with its base address."""
    proxy = FaultProxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            proxy.connections += 1

        def do_GET(self) -> None:
            try:
                proxy.answer(self)
            except OSError:  # nobody listens any more
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    proxy.base = f"http://127.0.0.1:{server.server_port}{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
