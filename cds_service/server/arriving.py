"""Has all of a request come? A request is given to a thread only then (docs/decisions/server.md).

Nothing is decided here about a request: gunicorn's parser reads it, and refuses what is malformed or
can be read two ways. What looks odd here counts as whole, so that the parser has it at once.
"""

import re

LONGEST_HEAD = 64 * 1024  # bytes; a token has about 2000
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\r\n]*)?\r\n")
_LONGEST_SIZE = 1024  # bytes of a line that says how long a chunk is, its extensions included


class Arriving:
    """What has come of one request.

    Args:
        begun: when its first byte came, or its connection; in seconds of the monotonic clock.
        limit: of a body, in bytes. A longer one is not waited for: it will be refused.
    """

    def __init__(self, begun: float, limit: int) -> None:
        """Begin with nothing."""
        self.begun = begun
        self.data = bytearray()
        self._limit = limit
        self._searched = 0
        self._body = -1  # where the body begins; -1 before that is known
        self._chunk = -1  # where the next chunk begins; -1 when the body is not chunked
        self._wanted = 0  # bytes that are all of it

    @property
    def too_long(self) -> bool:
        """Whether its head is longer than any that is read."""
        return self._body < 0 and len(self.data) > LONGEST_HEAD

    @property
    def waits(self) -> bool:
        """Whether the client sends its body only when it is told to (`Expect: 100-continue`)."""
        return self._body == len(self.data) and _EXPECTS.search(self.data) is not None

    def add(self, piece: bytes) -> bool:
        """Take what has come; whether the request is whole now."""
        self.data += piece
        return (self._body >= 0 or self._has_head()) and self._has_body()

    def _has_head(self) -> bool:
        found = self.data.find(_END, max(0, self._searched - len(_END) + 1))
        self._searched = len(self.data)
        if found < 0:
            return False
        self._body = found + len(_END)
        if _CHUNKED.search(self.data, 0, self._body):
            self._chunk = self._body
            return True
        length = _LENGTH.search(self.data, 0, self._body)
        size = int(length[1]) if length else 0
        self._wanted = self._body + (size if size <= self._limit else 0)
        return True

    def _has_body(self) -> bool:
        if self._chunk < 0:
            return len(self.data) >= self._wanted
        if len(self.data) - self._body > self._limit + self._limit // 2:
            return True  # more than a body and the sizes of its chunks may be
        return self._has_chunks()

    def _has_chunks(self) -> bool:
        while True:
            size = _SIZE.match(self.data, self._chunk)
            if size is None:
                begun = len(self.data) - self._chunk
                ended = self.data.find(b"\n", self._chunk, self._chunk + _LONGEST_SIZE) >= 0
                return ended or begun > _LONGEST_SIZE  # no size: for the parser to refuse
            length = int(size[1], 16)
            if length == 0:
                return self._has_trailers(size.end() - 2)
            after = size.end() + length + 2
            if length > self._limit:
                return True
            if len(self.data) < after:
                return False
            self._chunk = after

    def _has_trailers(self, begun: int) -> bool:
        # What follows the last size: `CRLF CRLF`, or fields between the two.
        return self.data.find(_END, begun) >= 0 or len(self.data) - begun > LONGEST_HEAD
