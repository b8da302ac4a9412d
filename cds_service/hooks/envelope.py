"""JSON objects split into their members without reading the large ones, duplicates refused.

A client that repeats a key leaves it to each parser which value counts: `context` with two
`patientId`s could mean one patient to a gateway and another to us. So it is an error.
"""

import json
import re
from typing import Any

import msgspec

from cds_service.failures import Failure, Kind

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY = re.compile(rb'\s*"((?:[^"\\]++|\\.)*+)"\s*:\s*', re.DOTALL)
_AFTER = re.compile(rb"\s*([,}])")
MOST_MEMBERS = 1000  # of one object of the envelope; real ones have about ten
LARGEST_MEMBER = 256 * 1024  # bytes; real ones have less than one KiB, with a token ten
_LONGEST_NUMBER = 24  # characters; no number of the envelope needs more


def members(raw: bytes, where: str) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, values unread.

    Raises:
        Failure: incorrect, when `raw` is not one JSON object or a key stands twice in it; too-large
            beyond `MOST_MEMBERS`.
    """
    try:
        found = _members.decode(raw)
    except msgspec.ValidationError as error:
        raise Failure(
            Kind.INCORRECT, "must be a JSON object", where=where, todo="send a JSON object here"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(
            Kind.INCORRECT,
            "the body is not JSON",
            where=where,
            todo="send UTF-8 JSON without comments, NaN or trailing commas",
        ) from error
    except RecursionError as error:
        raise _too_deep(where) from error
    if len(found) > MOST_MEMBERS:
        raise Failure(Kind.TOO_LARGE, f"more than {MOST_MEMBERS} members", where=where)
    _refuse_duplicates(raw, found, where)
    return found


def _too_deep(where: str) -> Failure:
    return Failure(Kind.INCORRECT, "the JSON is nested too deeply", where=where)


def _refuse_duplicates(raw: bytes, found: dict[str, msgspec.Raw], where: str) -> None:
    # `found` holds the last value of each key. Walking over keys and values in order, a value that
    # is not the one held, or a key met again, is a repeated key.
    seen: set[str] = set()
    position = raw.index(b"{") + 1
    while len(seen) < len(found):
        key_match = _KEY.match(raw, position)
        if key_match is None:
            raise _repeated(where, "")
        key = _unescaped(key_match[1])
        value = bytes(found[key])
        end = key_match.end() + len(value)
        after = _AFTER.match(raw, end)
        if key in seen or after is None or not raw.startswith(value, key_match.end()):
            raise _repeated(where, key)
        seen.add(key)
        position = after.end()
        if after[1] == b"}":
            return
    if found:
        raise _repeated(where, "")


def _unescaped(key: bytes) -> str:
    if b"\\" not in key:
        return key.decode()
    text: str = json.loads(b'"' + key + b'"')
    return text


def _repeated(where: str, key: str) -> Failure:
    name = f"{key[:40]!r}" if key.isprintable() and key else "a key"
    return Failure(
        Kind.INCORRECT,
        f"{name} stands more than once in one object",
        where=where,
        todo="send every key once",
    )


def plain(raw: bytes, where: str, largest: int = LARGEST_MEMBER) -> Any:
    """A small member as plain values; keys that stand twice are refused at every depth.

    Raises:
        Failure: incorrect; too-large beyond `largest` bytes, for plain values take twenty times that.
    """
    if len(raw) > largest:
        raise Failure(Kind.TOO_LARGE, f"more than {largest // 1024} KiB", where=where)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(pairs)
        if len(whole) != len(pairs):
            seen: set[str] = set()
            raise _repeated(where, next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
        return whole

    try:
        # Decoded first: json.loads lets surrogates through in bytes, and guesses at UTF-16.
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=once,
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_constant,
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise Failure(Kind.INCORRECT, "is not JSON", where=where) from error
    except RecursionError as error:
        raise _too_deep(where) from error


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("number too long")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("number too long")
    return float(text)


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")
