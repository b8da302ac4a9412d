"""When a request has come as a whole: byte by byte, in one piece, and where it is malformed."""

import pytest

from cds_service.server.arriving import LONGEST_HEAD, Arriving

LIMIT = 1000
HEAD = b"POST /cds-services/x HTTP/1.1\r\nHost: here\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
    "length": HEAD + b"Content-Length: 5\r\n\r\n12345",
    "length of nothing": HEAD + b"Content-Length: 0\r\n\r\n",
    "odd letters": HEAD + b"CONTENT-LENGTH:5   \r\n\r\n12345",
    "as long as may be": HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000,
    "chunks": CHUNKED + b"5\r\n12345\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "chunks with extensions": CHUNKED + b"5;a=b\r\n12345\r\n0;last\r\n\r\n",
    "trailers": CHUNKED + b"5\r\n12345\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    "ends inside chunks": CHUNKED + b"a\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("name", WHOLE)
def test_it_is_whole_with_its_last_byte_and_not_before(name: str, size: int) -> None:
    raw = WHOLE[name]
    arriving = Arriving(0.0, LIMIT)
    pieces = [raw[:-1][at : at + size] for at in range(0, len(raw) - 1, size)]
    assert not any(arriving.add(piece) for piece in pieces)
    assert arriving.add(raw[-1:])
    assert bytes(arriving.data) == raw


@pytest.mark.parametrize("name", WHOLE)
def test_what_follows_changes_nothing(name: str) -> None:
    assert Arriving(0.0, LIMIT).add(WHOLE[name] + b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "odd",
    [
        HEAD + b"Content-Length: 1001\r\n\r\n",  # will be refused: nobody waits for it
        HEAD + b"Content-Length: five\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length : 5\r\n\r\n",
        CHUNKED + b"five\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"3E9\r\n",  # a chunk beyond the limit
        CHUNKED + b"f" * 2000,
        CHUNKED + b"1\r\nx\r\n" * 400,  # more than the limit in small pieces
        b"\r\n\r\n",
    ],
)
def test_what_is_malformed_or_too_much_is_left_to_the_parser_at_once(odd: bytes) -> None:
    assert Arriving(0.0, LIMIT).add(odd)


@pytest.mark.parametrize(
    "begun",
    [
        b"POST",
        HEAD,
        HEAD + b"Content-Length: 5\r\n\r\n1234",
        CHUNKED,
        CHUNKED + b"5",
        CHUNKED + b"5\r\n123",
        CHUNKED + b"0\r\n",
        CHUNKED + b"0\r\nA: b\r\n",
    ],
)
def test_what_is_begun_is_waited_for(begun: bytes) -> None:
    arriving = Arriving(0.0, LIMIT)
    assert not arriving.add(begun)
    assert not arriving.too_long


def test_a_head_without_end_is_too_long() -> None:
    arriving = Arriving(0.0, LIMIT)
    assert not arriving.add(b"GET / HTTP/1.1\r\nX: " + b"y" * LONGEST_HEAD)
    assert arriving.too_long


@pytest.mark.parametrize(
    ("begun", "waits"),
    [
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r", False),  # may yet ask for more
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", True),
        (HEAD + b"expect:100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n1", False),
        (HEAD + b"Content-Length: 5\r\n\r\n", False),
    ],
)
def test_only_a_client_that_has_asked_and_sent_no_body_waits_to_be_told(
    begun: bytes, waits: bool
) -> None:
    arriving = Arriving(0.0, LIMIT)
    assert not arriving.add(begun)
    assert arriving.waits is waits
