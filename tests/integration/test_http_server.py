"""HTTP as it really arrives: in chunks, pipelined, contradictory, or not HTTP at all."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from tests.conformance.calls import address, bundle, potassium, request
from tests.integration.conftest import CHECKOUT, Server, Start, wait_until_ready

BODY = json.dumps(request()).encode()
LIMIT = 16 * 1024 * 1024


def head(*headers: str, method: str = "POST", path: str = address()) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def said(server: Server, raw: bytes, *, hang_up: bool = True) -> bytes:
    """Send bytes, and read until the server closes or says no more for a second."""
    with server.connect() as connection:
        received = b""
        try:
            connection.sendall(raw)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(1.5)
            while piece := connection.recv(65_536):
                received += piece
        except OSError:  # it hung up, or says no more
            pass
        return received


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.requirement(3)
@pytest.mark.parametrize("size", [7, 1000, 1_000_000])
def test_a_chunked_body_without_a_length_is_read(server: Server, size: int) -> None:
    raw = head("Transfer-Encoding: chunked", "Connection: close") + chunked(BODY, size)
    answer = said(server, raw, hang_up=False)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"2.4 mmol/L" in answer


@pytest.mark.requirement(50)
def test_what_a_proxy_has_forwarded_is_seen_to_be_forwarded(server: Server) -> None:
    assert server.call("POST", address(), BODY)[0] == 200
    assert server.call("POST", address(), BODY, {"X-Forwarded-For": "203.0.113.7"})[0] == 401


@pytest.mark.requirement(12)
def test_a_chunked_body_of_17_mib_is_too_large(server: Server) -> None:
    raw = head("Transfer-Encoding: chunked", "Connection: close") + chunked(
        b"[" * (17 * 1024 * 1024), 65_536
    )
    answer = said(server, raw, hang_up=False)
    assert answer.startswith(b"HTTP/1.1 413") or answer == b""  # it may hang up on what it will not read
    assert server.good()


@pytest.mark.parametrize("body", [b"ZZ\r\n{}\r\n0\r\n\r\n", b"5\r\n{}"], ids=["no size", "cut off"])
def test_broken_chunks_are_the_callers_error(server: Server, body: bytes) -> None:
    raw = head("Transfer-Encoding: chunked", "Connection: close") + body
    answer = said(server, raw)
    assert answer.startswith(b"HTTP/1.1 400") or answer == b""  # who hangs up half-way hears nothing
    assert server.good()


@pytest.mark.requirement(12)
def test_a_length_of_17_mib_is_refused_before_the_body_is_sent(server: Server) -> None:
    answer = said(server, head(f"Content-Length: {LIMIT + 1}", "Connection: close"), hang_up=False)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"OperationOutcome" in answer


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -5",),
        ("Content-Length: +5",),
        ("Content-Length: 5_0",),
        ("Content-Length: five",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        (" folded: header",),
    ],
)
def test_a_length_that_can_be_read_two_ways_is_refused(server: Server, headers: tuple[str, ...]) -> None:
    smuggled = head("Content-Length: 0", method="GET", path="/cds-services")
    answer = said(server, head(*headers) + b"0\r\n\r\n" + smuggled)
    # 401: what is folded onto Host makes it another name than this machine's.
    refused = (b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 401", b"HTTP/1.1 501")
    assert answer.startswith(refused) or answer == b""
    assert b"heavy-legs-patient-view" not in answer
    assert server.good()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 4096,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),  # TLS to a plain port
        b"GET\r\n\r\n",
        b"GET /cds-services HTTP/9.9\r\n\r\n",
        b"GET /cds-services\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"\r\n" * 1000,
        head("Transfer-Encoding: chunked") + b"zz\r\nnot a chunk\r\n",
        head("Transfer-Encoding: chunked") + b"ffffffffffffffffffff\r\n",
        head(f"Content-Length: {len(BODY)}") + BODY[:50],
        head("Expect: 200-ok", "Content-Length: 2") + b"{}",
    ],
)
def test_what_is_no_http_is_refused_and_kills_nothing(server: Server, garbage: bytes) -> None:
    answer = said(server, garbage)
    assert b" 200 " not in answer[:20]
    assert b"Traceback" not in answer
    assert server.good()
    assert server.process.poll() is None


def test_pipelined_calls_are_answered_one_by_one(server: Server) -> None:
    one = head(f"Content-Length: {len(BODY)}") + BODY
    last = head(f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    answer = said(server, one * 4 + last, hang_up=False)
    assert answer.count(b"HTTP/1.1 200") == 5
    assert server.good()


def test_who_takes_no_answers_gets_no_more_of_them(server: Server) -> None:
    one = b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = said(server, one * 1000, hang_up=False)
    assert 0 < answer.count(b"HTTP/1.1 200") <= 64
    assert b"HTTP/1.1 400" in answer
    assert server.good()


@pytest.mark.parametrize(
    "asked",
    [
        b"GET http://[x/cds-services HTTP/1.1\r\nHost: x\r\n\r\n",
        head("Content-Length: " + "1" * 5000),
    ],
)
def test_what_cannot_be_read_is_told_to_its_client_and_not_to_the_log(
    server: Server, asked: bytes
) -> None:
    before = server.log.read_bytes()
    assert said(server, asked, hang_up=False).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert server.log.read_bytes() == before


@pytest.mark.parametrize(
    "chunks",
    [
        b"\r\n" * 500_000,
        b"1\r\na\r\n" * 200_000,
        b"1;" + b"a" * 1_000_000,
        b"0\r\n" + (b"a: " + b"b" * 900 + b"\r\n") * 1000,
    ],
    ids=["empty lines", "bytes by themselves", "a line without end", "a trailer without end"],
)
def test_chunks_that_cost_more_than_they_hold_are_refused_early(server: Server, chunks: bytes) -> None:
    answer = said(server, head("Transfer-Encoding: chunked") + chunks, hang_up=False)
    assert answer.startswith(b"HTTP/1.1 400")
    assert server.good()


def test_a_connection_is_kept_and_used_again(server: Server) -> None:
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(head(f"Content-Length: {len(BODY)}") + BODY)
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65_536)
            assert received.startswith(b"HTTP/1.1 200")


def test_an_expectation_of_100_continue_is_met(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            head("Expect: 100-continue", f"Content-Length: {len(BODY)}", "Connection: close")
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(BODY)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        assert b"HTTP/1.1 200" in received


@pytest.mark.requirement(72)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_preflight_passes_over_a_real_connection(server: Server, method: str) -> None:
    asked = ["Origin: https://sandbox.cds-hooks.org", f"Access-Control-Request-Method: {method}"]
    raw = head(
        *asked,
        "Access-Control-Request-Headers: authorization,content-type",
        "Connection: close",
        method="OPTIONS",
    )
    answer = said(server, raw, hang_up=False).lower()
    assert answer.startswith(b"http/1.1 200")
    assert b"access-control-allow-origin: *" in answer
    assert b"access-control-allow-headers: authorization, content-type" in answer


@pytest.mark.requirement(4)
def test_head_says_what_get_would(server: Server) -> None:
    answer = said(server, head("Connection: close", method="HEAD", path="/cds-services"), hang_up=False)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


def test_the_software_is_not_advertised_with_its_version(server: Server) -> None:
    answer = said(server, head("Connection: close", method="GET", path="/cds-services"), hang_up=False)
    assert b"Werkzeug" not in answer
    assert b"Python/" not in answer


def test_calls_at_the_same_time_all_get_their_own_answer(server: Server) -> None:
    found: dict[int, Any] = {}

    def call(number: int) -> None:
        value = round(1.5 + number / 100, 2)
        whole = request(hookInstance=f"instance-{number}")
        whole["prefetch"]["laboratory"]["entry"][0]["resource"]["valueQuantity"]["value"] = value
        found[number] = (f"{value:g} mmol/L", server.call("POST", address(), json.dumps(whole)))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(found) == 32
    for value, (status, body) in found.values():
        assert status == 200
        assert value in body["cards"][0]["summary"]


@pytest.mark.server
def test_a_port_that_is_taken_is_named_and_ends_with_3(tmp_path: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "cds_service", "serve", "--demo", "--port", str(port)],
            cwd=CHECKOUT,
            env={**os.environ, "CDS_AUDIT_DB": str(tmp_path / "audit.sqlite3")},
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 3
    complaint = ended.stderr.decode()
    assert str(port) in complaint
    assert "PORT" in complaint
    assert "Traceback" not in complaint


@pytest.mark.server
def test_a_second_service_does_not_share_the_port_of_the_first(server: Server, start: Start) -> None:
    second = start(port=server.port, ready=False)
    assert second.process.wait(timeout=20) == 3
    assert str(server.port) in second.log.read_text("utf-8")
    assert server.good()


@pytest.mark.server
def test_it_starts_again_at_once_on_the_same_port(start: Start) -> None:
    first = start("--workers", "1")
    assert first.good()
    os.killpg(first.process.pid, signal.SIGTERM)
    assert first.process.wait(timeout=15) == 0
    second = start("--workers", "1", port=first.port)
    assert second.good()
    os.killpg(second.process.pid, signal.SIGTERM)
    second.process.wait(timeout=15)


@pytest.mark.server
def test_what_was_begun_is_finished_when_the_service_is_told_to_stop(start: Start) -> None:
    server = start("--workers", "1")
    wait_until_ready(server)
    with server.connect() as connection:
        connection.sendall(head(f"Content-Length: {len(BODY)}", "Connection: close") + BODY[:100])
        time.sleep(0.5)  # a thread is reading the body now
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(BODY[100:])
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200")
    assert b"2.4 mmol/L" in received
    assert server.process.wait(timeout=25) == 0


def test_a_small_call_does_not_wait_for_more_large_ones_than_there_are_threads(start: Start) -> None:
    server = start(CDS_WORKERS="1", CDS_THREADS="3", CDS_DEADLINE="60")
    results = [potassium() | {"id": f"k-{number}"} for number in range(9000)]
    large = json.dumps(request(prefetch={"laboratory": bundle(*results)})).encode()
    call = head("Content-Type: application/json", f"Content-Length: {len(large)}", "Connection: close")
    connections = [server.connect() for _ in range(12)]
    try:
        for one in connections:
            one.settimeout(60)
            one.sendall(call + large)
        time.sleep(0.5)  # all have come whole
        begun = time.monotonic()
        assert server.good()
        took = time.monotonic() - begun
        answers = [one.recv(12) for one in connections]
    finally:
        for one in connections:
            one.close()
    assert answers == [b"HTTP/1.1 200"] * 12
    whole = time.monotonic() - begun
    assert took < whole / 5, "they were answered one after the other, and the small one among the first"
