"""Addresses that a person types, and tokens: clear errors, and nothing sent where it must not go."""

from pathlib import Path

import pytest

from cds_service.as_ehr import addresses
from cds_service.failures import Failure

LIKE = "http://127.0.0.1:8081/fhir"


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("http://127.0.0.1:8081/fhir", "http://127.0.0.1:8081/fhir"),
        ("http://127.0.0.1:8081/fhir/", "http://127.0.0.1:8081/fhir"),
        ("https://hapi.fhir.org/baseR4//", "https://hapi.fhir.org/baseR4"),
        ("http://[::1]:8081", "http://[::1]:8081"),
    ],
)
def test_a_base_has_no_slash_at_its_end(typed: str, base: str) -> None:
    assert addresses.base(typed, like=LIKE) == base


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("hapi.fhir.org/baseR4", "is no http(s) address"),
        ("127.0.0.1:8081/fhir", "is no http(s) address"),
        ("ftp://example.org/fhir", "is no http(s) address"),
        ("http://", "is no http(s) address"),
        ("http://127.0.0.1:port/fhir", "is no address"),
        ("http://me:secret@127.0.0.1/fhir", "holds a user name or a password"),
        ("http://127.0.0.1/fhir?x=1", "goes on after its path"),
        ("http://127.0.0.1/fhir#x", "goes on after its path"),
    ],
)
def test_what_is_no_base_is_refused(typed: str, said: str) -> None:
    with pytest.raises(Failure) as failure:
        addresses.base(typed, like=LIKE)
    assert said in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.0.0.1:8081/fhir", True),
        ("http://127.8.8.8/fhir", True),
        ("http://localhost/fhir", True),
        ("http://[::1]/fhir", True),
        ("http://192.168.1.4/fhir", False),
        ("http://localhost.example.org/fhir", False),
        ("https://hapi.fhir.org/baseR4", False),
    ],
)
def test_what_is_on_this_machine(address: str, here: bool) -> None:
    assert addresses.on_this_machine(address) is here


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("http://127.0.0.1:8081/fhir", True),
        ("http://192.168.1.4/fhir", True),
        ("http://hapi:8080/fhir", True),
        ("http://8.8.8.8/fhir", False),
        ("http://hapi.example.org/fhir", False),
        ("https://hapi.fhir.org/baseR4", False),
    ],
)
def test_what_is_on_this_machine_or_its_network(address: str, near: bool) -> None:
    assert addresses.nearby(address) is near


def test_a_token_comes_from_a_file_or_else_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(addresses.TOKEN_VARIABLE, raising=False)
    file = tmp_path / "token"
    file.write_text("from-file\n", "utf-8")
    assert addresses.token(None, LIKE) == ""
    monkeypatch.setenv(addresses.TOKEN_VARIABLE, "from-environment")
    assert addresses.token(None, LIKE) == "from-environment"
    assert addresses.token(file, LIKE) == "from-file"


@pytest.mark.parametrize(
    ("text", "address", "said"),
    [
        ("", LIKE, "holds no token"),
        ("Bearer abc", LIKE, "is no bearer token"),
        ("abc\r\nX-Other: 1", LIKE, "is no bearer token"),
        ("abc", "http://fhir.example.org/r4", "would travel unencrypted"),
    ],
)
def test_a_token_that_cannot_be_or_would_be_seen_is_not_used(
    tmp_path: Path, text: str, address: str, said: str
) -> None:
    file = tmp_path / "token"
    file.write_text(text, "utf-8")
    with pytest.raises(Failure) as failure:
        addresses.token(file, address)
    assert said in str(failure.value)
    assert "abc" not in str(failure.value)


def test_a_strangers_words_cannot_move_the_cursor() -> None:
    assert addresses.printable("a\x1b[31mb\r\nc\u202e\u200b d") == "a [31mb c d"
    assert len(addresses.printable("x" * 1000)) == 300
