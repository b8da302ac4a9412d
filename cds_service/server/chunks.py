"""A body in chunks (RFC 9112 7.1), read at a cost that grows with its bytes and no faster.

waitress's own reader copies all that is left of what came for every chunk, takes any number of empty
lines for chunks, and a line or a trailer as long as a body: a few connections keep the loop that reads
for all of them busy with that.
"""

from typing import Any

from waitress.buffers import OverflowableBuffer  # type: ignore[import-untyped]
from waitress.rfc7230 import CHUNK_EXT_RE, ONLY_HEXDIG_RE  # type: ignore[import-untyped]
from waitress.utilities import BadRequest  # type: ignore[import-untyped]

_LINE = 1024  # bytes of one line: a size with its extensions, a field of the trailer
_TRAILER = 16 * 1024  # bytes of all lines of the trailer
_FEW = 1000  # chunks of any size that are read; of more, bytes that they have to hold on average
_MEAN = 32


class Chunks:
    """The receiver of one body, as waitress's parser asks it."""

    def __init__(self, buffer: OverflowableBuffer) -> None:
        """Nothing has come; what comes goes into `buffer`."""
        self.completed = False
        self.error: BadRequest | None = None
        self._buffer = buffer
        self._line = b""  # as much of a line as has come
        self._left = 0  # bytes of the present chunk that are to come
        self._ended = False  # its bytes have come, and the end of its line has not
        self._chunks = 0
        self._trailer = -1  # bytes of the trailer; negative before there is one

    def __len__(self) -> int:
        """Bytes of the body."""
        return len(self._buffer)

    def getbuf(self) -> OverflowableBuffer:
        """The body."""
        return self._buffer

    def getfile(self) -> Any:
        """The body, to be read."""
        return self._buffer.getfile()

    def received(self, data: bytes) -> int:
        """Take what has come; how many bytes of it belong to this body."""
        at = 0
        while at < len(data) and not self.completed and self.error is None:
            at += self._data(data, at) if self._left else self._text(data, at)
        return at if self.error is None else len(data)  # what follows a fault is nobody's request

    def _data(self, data: bytes, at: int) -> int:
        part = data[at : at + self._left]
        self._buffer.append(part)
        self._left -= len(part)
        self._ended = not self._left
        return len(part)

    def _text(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at, at + _LINE)
        part = data[at : end + 1 if end >= 0 else at + _LINE]
        self._line += part
        if len(self._line) > _LINE:
            self.error = BadRequest("a line that is too long")
        elif end >= 0:
            line, self._line = self._line, b""
            wrong = self._wrong(line)
            self.error = BadRequest(wrong) if wrong else None
        return len(part)

    def _wrong(self, line: bytes) -> str:
        """Take a whole line; what is wrong with it."""
        if not line.endswith(b"\r\n"):
            return "a line that ends without a carriage return"
        text = line[:-2]
        if self._ended:
            self._ended = False
            return "a chunk that is longer than it says" if text else ""
        if self._trailer >= 0:
            self._trailer += len(line)
            self.completed = not text
            return "a trailer that is too long" if self._trailer > _TRAILER else ""
        return self._begun(text)

    def _begun(self, text: bytes) -> str:
        """Begin a chunk, or the trailer after the last one."""
        size, semicolon, more = text.partition(b";")
        if not ONLY_HEXDIG_RE.match(size) or (semicolon and not CHUNK_EXT_RE.match(semicolon + more)):
            return "no size of a chunk"
        self._chunks += 1
        self._left = int(size, 16)
        if not self._left:
            self._trailer = 0
        if self._chunks > _FEW + len(self) // _MEAN:
            return "too many chunks for what they hold"
        return ""
