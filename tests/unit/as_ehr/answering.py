"""A server that answers as it is told: for what no real FHIR server can be brought to say."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Said(NamedTuple):
    """One answer."""

    status: int
    body: str = ""
    kind: str = "application/fhir+json"
    location: str = ""


class Request(NamedTuple):
    """What was asked of the server."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def answering(answers: Mapping[str, Said]) -> Iterator[tuple[str, list[Request]]]:
    """Answer each path (with its query) as told, any other with 404; the address, and what was asked."""
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            request = Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
            asked.append(request)
            said = answers.get(f"{self.command} {self.path}", answers.get(self.path, Said(404, "{}")))
            body = said.body.encode()
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(body)))
            if said.location:
                self.send_header("Location", said.location)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
