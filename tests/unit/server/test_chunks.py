"""A body in chunks: read as RFC 9112 7.1 has it, however it is cut on the way, or refused."""

import pytest
from waitress.buffers import OverflowableBuffer  # type: ignore[import-untyped]

from cds_service.server.chunks import Chunks

GOOD = b"5;name=value\r\nhello\r\n1\r\n \r\n5\r\nwor\nl\r\n0\r\nName: value\r\n\r\n"


def received(data: bytes, piece: int) -> tuple[Chunks, int]:
    """A receiver that was given a body piece by piece; how much of it was taken."""
    chunks, taken = Chunks(OverflowableBuffer(4_000_000)), 0
    for at in range(0, len(data), piece):
        taken += chunks.received(data[at : at + piece])
    return chunks, taken


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_a_body_is_the_same_however_it_is_cut(piece: int) -> None:
    chunks, taken = received(GOOD + b"GET / HTTP/1.1", piece)
    assert chunks.completed
    assert chunks.error is None
    assert chunks.getfile().read() == b"hello wor\nl"
    assert len(chunks) == 11
    assert taken == len(GOOD)  # what follows is the next request


def test_large_chunks_are_read() -> None:
    chunks, _ = received((b"10000\r\n" + b"a" * 65_536 + b"\r\n") * 20 + b"0\r\n\r\n", 65_536)
    assert chunks.completed
    assert len(chunks) == 20 * 65_536


def test_many_chunks_of_some_bytes_are_read() -> None:
    chunks, _ = received((b"40\r\n" + b"a" * 64 + b"\r\n") * 20_000 + b"0\r\n\r\n", 65_536)
    assert chunks.completed
    assert chunks.error is None


@pytest.mark.parametrize("piece", [1, 1000])
@pytest.mark.parametrize(
    "wrong",
    [
        b"\r\n5\r\nhello\r\n0\r\n\r\n",  # an empty line is no chunk
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5;\x00\r\nhello\r\n0\r\n\r\n",
        b"-1\r\n",
        b"5\r\r\nhello\r\n",
        b"5;" + b"a" * 2000,
        b"0\r\n" + b"a: b\r\n" * 4000,
        b"1\r\na\r\n" * 2000,
    ],
)
def test_what_is_no_chunk_or_costs_too_much_is_refused(wrong: bytes, piece: int) -> None:
    chunks, taken = received(wrong, piece)
    assert chunks.error is not None
    assert not chunks.completed
    assert taken <= len(wrong)
