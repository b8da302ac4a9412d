"""JSON objects split without reading them: what is no JSON, and what stands twice, is refused."""

import json

import pytest

from cds_service.failures import Failure, Kind
from cds_service.hooks.envelope import LARGEST_MEMBER, members, plain

NAME = "Mustermann"  # stands for a value from a record: no message may repeat it


def refused(raw: bytes) -> Failure:
    with pytest.raises(Failure) as caught:
        plain(bytes(members(raw, "the body")["a"]), "a")
    assert caught.value.kind is Kind.INCORRECT
    assert NAME not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"Mustermann",
        b'{"a": "Mustermann"',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} {"b": 2}',
        b'{"a": 1 /* Mustermann */}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b'{"a": +1}',
        b'{"a": .5}',
        b'{"a": "\xffMustermann"}',
        b'{"a\xff": 1}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "line\nbreak Mustermann"}',
        b'{"a": "\\ud800 Mustermann"}',
        b'{"a": "\xed\xa0\x80"}',  # a surrogate written as bytes, which json.loads alone lets through
        b"\x1f\x8b\x08\x00",
    ],
)
@pytest.mark.requirement(11)
def test_what_is_not_json_is_refused_without_being_repeated(raw: bytes) -> None:
    refused(raw)


@pytest.mark.parametrize("raw", [b"[]", b"[1, 2]", b"null", b'"text"', b"1", b"true"])
@pytest.mark.requirement(11)
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    assert "object" in refused(raw).what


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "b": 2, "a": 1}',
        b'{"b": 2, "a": {"x": 1}, "b": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a" : 1 , "b": "},\\"a\\":", "a": 3}',
        b'{"": 1, "a": 1, "": 1}',
        b'{"a": 1, "Mustermann\\u0000": 1, "Mustermann\\u0000": 1}',
    ],
)
def test_a_key_that_stands_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(Failure, match="more than once"):
        members(raw, "the body")


@pytest.mark.parametrize(
    "whole",
    [
        {},
        {"a": 1},
        {"a": "}", "b": '{"a": 2}', "c": "\\", 'q"uote': '"', "": None},
        {"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]},
        {"ä": "ö", "\U0001f9b5": "heavy", "tab\t": "\t"},
    ],
)
@pytest.mark.parametrize("indent", [None, 0, 3])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_object_is_split_into_its_members(
    whole: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    raw = json.dumps(whole, indent=indent, ensure_ascii=ascii_only).encode()
    assert {key: json.loads(bytes(value)) for key, value in members(raw, "the body").items()} == whole


@pytest.mark.parametrize(
    "raw",
    [b'{"a": {"x": 1, "x": 1}}', b'{"a": [{"y": {"x": 1, "x": 2}}]}'],
)
def test_plain_refuses_repeated_keys_at_every_depth(raw: bytes) -> None:
    assert "'x' stands more than once" in refused(raw).what


@pytest.mark.parametrize("depth", [1_500, 100_000])
def test_deep_nesting_is_refused_not_suffered(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    refused(b'{"a": ' + deep + b"}")
    with pytest.raises(Failure):
        plain(deep, "a")


@pytest.mark.parametrize("number", [b"1" * 25, b"-" + b"1" * 200_000, b"0." + b"1" * 200_000])
def test_a_number_of_absurd_length_is_refused_in_the_envelope(number: bytes) -> None:
    assert refused(b'{"a": ' + number + b"}").where == "a"


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_plain_knows_no_constants_that_json_does_not_know(constant: bytes) -> None:
    with pytest.raises(Failure, match="not JSON"):
        plain(constant, "a")


def test_a_member_that_would_fill_the_memory_as_values_is_refused_unread() -> None:
    pairs = (LARGEST_MEMBER - 1) // 3  # `{},` each, but the last, and two brackets
    assert len(plain(b"[" + b",".join([b"{}"] * pairs) + b"]", "extension")) == pairs
    with pytest.raises(Failure, match="more than 256 KiB") as failed:
        plain(b"[" + b",".join([b"{}"] * (pairs + 1)) + b"]", "extension")
    assert failed.value.kind is Kind.TOO_LARGE
    assert failed.value.where == "extension"
