"""One connection: waitress's, with our refusals, and a limit to how long a request may arrive."""

import socket
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser, ParsingError  # type: ignore[import-untyped]
from waitress.task import ErrorTask, Task, WSGITask  # type: ignore[import-untyped]
from waitress.utilities import BadRequest, RequestEntityTooLarge  # type: ignore[import-untyped]

from cds_service.deadline import BEGUN, STOPPING
from cds_service.server.chunks import Chunks

LINGER = 2.0  # seconds that a client has to take the answer to what it is still sending (RFC 9112 9.6)
_DISCARD = 256 * 1024  # bytes read at once and thrown away meanwhile
_PIPELINED = 32  # requests of one connection that wait; more of their answers would only fill memory
# Status → FHIR issue type and what is said. waitress's own words quote the request.
REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ("invalid", "this is not HTTP as RFC 9112 has it; nothing was read"),
    408: ("timeout", "the request did not arrive in time; send it whole, at once"),
    413: ("too-long", "the body is larger than is read"),
    431: ("too-long", "the header is larger than is read"),
    500: ("exception", "the service failed; tell its operator"),
    501: ("not-supported", "this transfer coding is not read"),
}


def outcome(status: int) -> bytes:
    """The body of what the server answers by itself: an OperationOutcome."""
    code, words = REFUSALS.get(status, REFUSALS[500])
    issue = {"severity": "error", "code": code, "diagnostics": words}
    return msgspec.json.encode({"resourceType": "OperationOutcome", "issue": [issue]})


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as waitress reads it, refused where another server on the way could read it otherwise.

    RFC 9112 6.1 and 2.3 leave some of it to the server: a length beside a transfer coding, another
    version. Behind a proxy each is how one request is smuggled inside another.
    """

    body_rcv: Any

    def __init__(self, adj: Any) -> None:
        """Begin with the first byte."""
        super().__init__(adj)
        self.begun = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head.

        Raises:
            ParsingError: it is refused; the connection ends.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a length of thousands of digits, an address with half a bracket
            raise ParsingError("a number or an address that cannot be read") from error
        if self.chunked:
            self.body_rcv = Chunks(self.body_rcv.getbuf())
        coded = self.chunked or "TRANSFER_ENCODING" in self.headers
        if coded and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("a length and a transfer coding")
        if self.version not in ("1.0", "1.1"):
            raise ParsingError("a version that is not read")


class Overrun(Parser):
    """One request too many on a connection that has not taken its answers: it ends with those it has."""

    def received(self, data: bytes) -> int:
        """Refuse it, and take no notice of what follows."""
        self.parse_header(b"GET / HTTP/1.1\r\n")
        self.error = BadRequest("too many requests at once")
        self.completed = True
        return len(data)


class Refusal(ErrorTask):  # type: ignore[misc]
    """What is said to a request that the application does not see."""

    def execute(self) -> None:
        """Write the refusal, and close the connection after it."""
        error = self.request.error
        body = outcome(error.code)
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Answer(WSGITask):  # type: ignore[misc]
    """What the application says; the last thing that is said on a connection of a process that ends."""

    def get_environment(self) -> dict[str, Any]:
        """What the application is told of the request."""
        environ: dict[str, Any] = super().get_environment()
        environ[BEGUN] = self.request.begun
        environ[STOPPING] = self.channel.server.stopping
        return environ

    def execute(self) -> None:
        """Have the application answer."""
        if self.channel.server.stopping:
            self.set_close_on_finish()
        super().execute()


class TooLarge(Answer):
    """A body beyond the limit: the application refuses it, unread, and writes the refusal down."""

    def execute(self) -> None:
        """Have the application answer what only says how long it would be."""
        limit = self.channel.adj.max_request_body_size
        self.request.headers["CONTENT_LENGTH"] = str(max(limit, self.request.content_length))
        self.request.body_rcv = None
        self.set_close_on_finish()
        super().execute()


def _refusing(channel: "Channel", request: Any) -> Task:
    known = isinstance(request.error, RequestEntityTooLarge)
    return (TooLarge if known else Refusal)(channel, request)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection.

    Its request is given to a thread when all of it has come. `begun` is when its first byte came, or the
    connection before there was one; in seconds of the monotonic clock.
    """

    task_class = Answer
    error_task_class = staticmethod(_refusing)
    _parts_at = 0.0  # when a closed connection's client is no longer waited for; 0 while it is open

    def __init__(self, *connection: Any, **more: Any) -> None:
        """Wait for the first request."""
        super().__init__(*connection, **more)
        self.begun = time.monotonic()

    def parser_class(self, adj: Any) -> Parser:
        """What reads the next request."""
        return (Parser if len(self.requests) < _PIPELINED else Overrun)(adj)

    @property
    def arriving(self) -> int:
        """Bytes that have come of a request that is not whole."""
        if self.request is None or self.requests:
            return 0
        return int(self.request.header_bytes_received + self.request.body_bytes_received)

    @property
    def waiting(self) -> int:
        """Bytes of bodies that have come whole and are not answered yet."""
        return sum(int(one.body_bytes_received) for one in list(self.requests))

    def size(self) -> int:
        """Bytes of the body that is answered next."""
        return int(self.requests[0].body_bytes_received)

    @property
    def unread(self) -> bool:
        """Whether all is answered, and the client has not taken all of it."""
        return not self.requests and bool(self.total_outbufs_len)

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has come, is being answered or is being sent."""
        return self.request is None and not self.requests and not self.total_outbufs_len

    def received(self, data: bytes) -> bool:
        """Take what has come."""
        if self.request is None:
            self.begun = time.monotonic()
        return bool(super().received(data))

    def refuse_late(self) -> None:
        """Say that the request did not arrive in time, and close."""
        body = outcome(408)
        head = (
            "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.send(head.encode() + body)
        self.will_close = True

    # What follows lets a client that is still sending take its answer: a socket closed with bytes unread
    # is reset by the system, and the answer lost with it.
    def handle_write(self) -> None:
        """Send; once all is sent and the connection is to end, wait a little for the client."""
        if self.close_when_flushed and not self.total_outbufs_len and not self._parts_at:
            self._parts_at = time.monotonic() + LINGER
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.will_close = True
        if self._parts_at and not self.will_close:
            return
        super().handle_write()

    def writable(self) -> bool:
        """Whether there is something to send, or to end."""
        return bool(self.will_close or (not self._parts_at and super().writable()))

    def readable(self) -> bool:
        """Whether more may come, be it to be thrown away."""
        return bool(self._parts_at and not self.will_close) or bool(super().readable())

    def handle_read(self) -> None:
        """Read; after the last answer, throw away what is read."""
        if not self._parts_at:
            super().handle_read()
            return
        try:
            ended = not self.recv(_DISCARD)
        except OSError:
            ended = True
        if ended or time.monotonic() > self._parts_at:
            self.will_close = True

    @property
    def overdue(self) -> bool:
        """Whether a client that was waited for has not closed in time."""
        return bool(self._parts_at) and time.monotonic() > self._parts_at
