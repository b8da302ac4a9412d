"""Connections that say nothing, or stop halfway, keep nobody else waiting (ARCHITECTURE 10)."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.calls import address, request
from tests.integration.conftest import Server

BODY = json.dumps(request()).encode()
HEAD = (
    f"POST {address()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n"
).encode()
STOPPED = {
    "nothing": b"",
    "half a line": b"POST /cds-ser",
    "half the headers": HEAD,
    "no body": HEAD + b"\r\n",
    "half a body": HEAD + b"\r\n" + BODY[: len(BODY) // 2],
    "half a chunk": HEAD.split(b"Content-Length")[0]
    + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"
    + BODY[:100],
}


@pytest.fixture
def stopped(server: Server) -> Iterator[None]:
    """Hold two silent connections open, and one that stopped at each place.

    A worker has sixteen threads, and each half-sent call holds one: more of them than that is for the
    buffering proxy in front.
    """
    with ExitStack() as held:
        for begun in STOPPED.values():
            for _ in range(1 if begun else 2):
                connection = held.enter_context(server.connect())
                if begun:
                    connection.sendall(begun)
        time.sleep(0.2)
        yield


@pytest.mark.usefixtures("stopped")
def test_ten_others_are_each_answered_within_two_seconds(server: Server) -> None:
    for _ in range(10):
        begun = time.monotonic()
        assert server.good()
        assert time.monotonic() - begun < 2


@pytest.mark.usefixtures("stopped")
def test_discovery_is_answered_meanwhile(server: Server) -> None:
    begun = time.monotonic()
    assert server.call("GET", "/cds-services")[0] == 200
    assert time.monotonic() - begun < 2
