"""What breaks between two programs: slow, cut off, too large, not what it says, elsewhere."""

import gzip
import json
import zlib
from collections.abc import Callable
from functools import cache

from tests.ehr_client.canned import is_laboratory
from tests.ehr_client.fault_proxy import FHIR, Answer, Asked, Habit, Upstream, Wire

Broken = Callable[[bytes, Wire], Answer | None]


def laboratory(broken: Broken) -> Habit:
    """Return a habit that breaks the answer about laboratory results."""

    def habit(asked: Asked, upstream: Upstream, wire: Wire) -> Answer | None:
        found = upstream(asked)
        return broken(found.body, wire) if is_laboratory(asked) else found

    return habit


def slow_first_byte(_: bytes, wire: Wire) -> None:
    """Say nothing."""
    wire.over.wait(20)
    wire.close()


def slow_drip(body: bytes, wire: Wire) -> None:
    """Send a byte each tenth of a second: never silent for long, and never done."""
    wire.raw(_head(len(body)))
    wire.drip(body, 0.1)
    wire.close()


def slow_headers(body: bytes, wire: Wire) -> None:
    """Drip the header."""
    wire.drip(_head(len(body)) + body, 0.1)
    wire.close()


def reset(body: bytes, wire: Wire) -> None:
    """Reset the connection in the middle of the body."""
    wire.raw(_head(len(body)) + body[: len(body) // 2])
    wire.reset()


def cut_off(body: bytes, wire: Wire) -> None:
    """Close the connection in the middle of the body."""
    wire.raw(_head(len(body)) + body[: len(body) // 2])
    wire.close()


def chunks_cut_off(body: bytes, wire: Wire) -> None:
    """Close the connection between two chunks."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {FHIR}\r\nTransfer-Encoding: chunked\r\n\r\n"
    wire.raw(head.encode() + b"%x\r\n%s\r\n" % (len(body) // 2, body[: len(body) // 2]))
    wire.close()


def truncated_gzip(body: bytes, _: Wire) -> Answer:
    """Send half of what was compressed, with the length of that half."""
    packed = gzip.compress(body)
    return Answer(body=packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"})


def gzip_bomb(_: bytes, __: Wire) -> Answer:
    """Send a hundred kilobytes that become a hundred megabytes."""
    return Answer(body=bomb(), headers={"Content-Encoding": "gzip"})


@cache
def bomb() -> bytes:
    """Return the bomb; it takes a while to make."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * (1024 * 1024)
    return b"".join([packer.compress(block) for _ in range(100)] + [packer.flush()])


def good_gzip(body: bytes, _: Wire) -> Answer:
    """Compress, and nothing wrong with it."""
    return Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})


def ten_megabytes(body: bytes, _: Wire) -> Answer:
    """Send a page of more than ten megabytes."""
    whole = json.loads(body)
    whole["entry"][0]["resource"]["text"] = {"status": "generated", "div": "x" * (10 * 1024 * 1024)}
    return Answer(body=json.dumps(whole).encode())


def web_page(_: bytes, __: Wire) -> Answer:
    """Send a page for people to log in, with 200."""
    return Answer(body=b"<html><title>Sign in</title></html>", kind="text/html; charset=utf-8")


def not_json(_: bytes, __: Wire) -> Answer:
    """Send something that calls itself FHIR JSON."""
    return Answer(body=b"<Bundle xmlns='http://hl7.org/fhir'/>")


def bad_header(body: bytes, wire: Wire) -> None:
    """Send a header that is none: urllib3 warns, and names the whole address."""
    wire.raw(_head(len(body)).removesuffix(b"\r\n") + b"not a header\r\n\r\n" + body)


def redirect(to: str) -> Broken:
    """Return a fault that sends the caller elsewhere."""
    return lambda *_: Answer(302, headers={"Location": f"{to}/Observation"})


def _head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {FHIR}\r\nContent-Length: {length}\r\n\r\n".encode()
