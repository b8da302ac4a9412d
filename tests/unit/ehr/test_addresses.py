"""Which addresses of a host may be connected to."""

import socket
from typing import Any

import pytest

from cds_service.ehr import addresses
from cds_service.ehr.absent import AbsentError
from cds_service.fhir.absence import Absence

PUBLIC = ["8.8.8.8", "193.0.6.139", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("2002:7f00:1::", "2002:c0a8:101::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
]
NEVER = [
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "::", "ff02::1"),  # noqa: S104
    *("0.1.2.3", "192.0.0.192", "192.88.99.1", "168.63.129.16", "64:ff9b:1::7f00:1"),
    *("::ffff:0.0.0.0", "::ffff:224.0.0.1", "64:ff9b::", "not an address", ""),
]


@pytest.mark.requirement(23)
@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_asked(address: str) -> None:
    assert addresses.may_be_asked(address, private=False)


@pytest.mark.requirement(23)
@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_only_where_the_entry_says_so(address: str) -> None:
    assert not addresses.may_be_asked(address, private=False)
    assert addresses.may_be_asked(address, private=True)


@pytest.mark.requirement(23)
@pytest.mark.parametrize("address", NEVER)
def test_what_is_no_host_never(address: str) -> None:
    assert not addresses.may_be_asked(address, private=False)
    assert not addresses.may_be_asked(address, private=True)


def _resolving(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    def answer(_: str, port: int, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_of_several_addresses_only_those_that_may_be_asked_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolving(monkeypatch, "10.0.0.1", "8.8.8.8", "127.0.0.1", "8.8.4.4")
    found = addresses.resolve("https://fhir.example.org/R4", private=False)
    assert [one.place for one in found] == [("8.8.8.8", 443), ("8.8.4.4", 443)]


def test_at_most_four_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, *(f"8.8.8.{number}" for number in range(1, 9)))
    assert len(addresses.resolve("https://fhir.example.org/R4", private=False)) == 4


def test_a_name_with_none_but_private_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, "10.0.0.1", "169.254.169.254")
    with pytest.raises(AbsentError) as failed:
        addresses.resolve("https://fhir.example.org/R4", private=False)
    assert failed.value.why is Absence.BAD_ADDRESS


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_name_that_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(AbsentError) as failed:
        addresses.resolve("https://fhir.example.org/R4", private=False)
    assert failed.value.why is Absence.NO_SUCH_NAME
