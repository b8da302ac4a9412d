"""Connections that say nothing, or stop halfway, keep nobody else waiting (docs/decisions/server.md).

Against the service as `make run` starts it: two processes of sixteen threads, no proxy.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.calls import address, request
from tests.integration.conftest import Server, Start

BODY = json.dumps(request()).encode()
HEAD = (
    f"POST {address()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n"
).encode()
CHUNKS = HEAD.split(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
STOPPED = {
    "nothing": b"",
    "half a line": b"POST /cds-ser",
    "half the headers": HEAD,
    "no body": HEAD + b"\r\n",
    "half a body": HEAD + b"\r\n" + BODY[: len(BODY) // 2],
    "half a chunk": CHUNKS + b"ffff\r\n" + BODY[:100],
    "no last chunk": CHUNKS + b"%x\r\n" % len(BODY) + BODY + b"\r\n",
    "no body, told to send it": HEAD + b"Expect: 100-continue\r\n\r\n",
    "an answer, and half a body": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + HEAD + b"\r\n{",
}
WITHIN = 2.0  # seconds; it takes some milliseconds on a machine that has nothing else to do
DEADLINE = 3  # seconds, in place of ten


@pytest.fixture(scope="module")
def hurried(start: Start) -> Server:
    """Return a service that gives up sooner than it is set to by itself."""
    return start(CDS_DEADLINE=str(DEADLINE))


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def stall(server: Server, held: ExitStack, number: int, begun: bytes) -> list[socket.socket]:
    connections = [held.enter_context(server.connect()) for _ in range(number)]
    for connection in connections:
        connection.sendall(begun)
    time.sleep(0.2)
    return connections


def answered_quickly(server: Server, times: int = 10) -> None:
    for _ in range(times):
        begun = time.monotonic()
        assert server.good()
        assert time.monotonic() - begun < WITHIN


@pytest.mark.parametrize("kind", STOPPED)
def test_sixteen_that_stopped_anywhere_stop_nobody_else(
    server: Server, held: ExitStack, kind: str
) -> None:
    stall(server, held, 16, STOPPED[kind])
    answered_quickly(server)


def test_sixty_four_with_half_a_body_stop_nobody_else(server: Server, held: ExitStack) -> None:
    stall(server, held, 64, STOPPED["half a body"])
    answered_quickly(server)
    others = [threading.Thread(target=answered_quickly, args=(server, 3)) for _ in range(8)]
    for other in others:
        other.start()
    for other in others:
        other.join(timeout=30)
    assert server.call("GET", "/cds-services")[0] == 200


def test_as_many_as_a_process_keeps_stop_nobody_else(start: Start, held: ExitStack) -> None:
    # The oldest makes room: a process keeps 500 connections.
    server = start("--workers", "1")
    for _ in range(520):
        held.enter_context(server.connect()).sendall(STOPPED["half a body"])
    answered_quickly(server, 3)


@pytest.mark.parametrize("kind", [kind for kind in STOPPED if kind != "nothing"])
def test_who_stopped_is_told_and_let_go(hurried: Server, held: ExitStack, kind: str) -> None:
    begun = time.monotonic()
    [connection] = stall(hurried, held, 1, STOPPED[kind])
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    taken = time.monotonic() - begun
    assert DEADLINE - 0.5 < taken < DEADLINE + 3
    last = received[received.rindex(b"HTTP/1.1 ") :]
    assert last.startswith(b"HTTP/1.1 408 ")
    assert json.loads(last.partition(b"\r\n\r\n")[2])["resourceType"] == "OperationOutcome"


def test_a_byte_now_and_then_gives_no_more_time(hurried: Server) -> None:
    begun = time.monotonic()
    with hurried.connect() as connection:
        connection.sendall(HEAD + b"\r\n")
        try:
            for byte in BODY:
                connection.sendall(bytes([byte]))
                time.sleep(0.1)
        except OSError:  # it hung up
            pass
    assert time.monotonic() - begun < DEADLINE + 3


def test_a_slow_client_that_comes_to_an_end_in_time_is_answered(hurried: Server) -> None:
    with hurried.connect() as connection:
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        for at in range(0, len(BODY), len(BODY) // 5):
            time.sleep(0.2)
            connection.sendall(BODY[at : at + len(BODY) // 5])
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_hang_up_holds_up_nobody(server: Server, held: ExitStack) -> None:
    # gunicorn's own worker waits two seconds for each, and serves nobody meanwhile.
    closing = b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    stall(server, held, 16, closing)
    answered_quickly(server)
