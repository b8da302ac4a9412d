"""When a key set is fetched, and when what was fetched before is used."""

import json
import logging
import threading
from collections.abc import Callable

import pytest

from cds_service.clients.keys import FRESH, PAUSE, STALE, KeyRing
from cds_service.clients.model import KeyAddress, Keys, Trust
from cds_service.clients.tokens import Unreachable
from tests.unit.clients.signing import ISSUER, JKU, Signer, jwk_set, signer

FIRST, SECOND = signer("ES384", "first"), signer("ES384", "second")


class Url:
    """A URL of a client: what stands there, how often it was asked, and the clock beside it."""

    def __init__(self, *signers: Signer) -> None:
        self.signers = signers
        self.down = False
        self.asked: list[str] = []
        self.now = 1000.0
        self.ring = KeyRing(self._fetch, lambda: self.now)
        self.trust = Trust(ISSUER, Keys(addresses=(KeyAddress(JKU),)))

    def _fetch(self, address: KeyAddress) -> bytes:
        self.asked.append(address.url)
        if self.down:
            raise Unreachable("no answer")
        return jwk_set(*self.signers)

    def has(self, kid: str) -> bool:
        return self.ring.find(self.trust, kid, "ES384", JKU) is not None


def test_a_set_is_fetched_once_while_it_is_fresh() -> None:
    url = Url(FIRST)
    for _ in range(10):
        assert url.has("first")
        url.now += FRESH / 10 - 1
    assert url.asked == [JKU]
    url.now += 20
    assert url.has("first")
    assert len(url.asked) == 2


@pytest.mark.requirement(54)
def test_a_new_key_is_found_by_one_refetch() -> None:
    url = Url(FIRST)
    assert url.has("first")
    url.signers = (SECOND,)
    url.now += PAUSE
    assert url.has("second")
    assert len(url.asked) == 2
    assert not url.has("first"), "a key that was taken out is not known any more"


@pytest.mark.requirement(54)
def test_names_that_are_made_up_do_not_make_us_ask_again_and_again() -> None:
    url = Url(FIRST)
    assert url.has("first")
    for number in range(1000):
        assert not url.has(f"made-up-{number}")
        url.now += 0.1  # 100 seconds in all
    assert len(url.asked) <= 3
    assert url.has("first")


def test_a_url_that_is_down_is_not_asked_for_each_call() -> None:
    url = Url(FIRST)
    url.down = True
    for _ in range(100):
        with pytest.raises(Unreachable):
            url.has("first")
        url.now += 1
    assert len(url.asked) == 2
    url.down = False
    url.now += PAUSE
    assert url.has("first")


def test_old_keys_are_used_while_the_url_is_down_and_not_for_ever() -> None:
    url = Url(FIRST)
    assert url.has("first")
    url.down = True
    url.now += STALE - 1
    assert url.has("first")
    url.now += 2
    with pytest.raises(Unreachable):
        url.has("first")


def test_what_is_no_key_set_leaves_what_was_there(caplog: pytest.LogCaptureFixture) -> None:
    url = Url(FIRST)
    assert url.has("first")
    url.ring = KeyRing(lambda _: b"<html>", lambda: url.now)
    with pytest.raises(Unreachable):
        url.has("first")
    assert "is not JSON" in caplog.text


def test_a_private_key_at_a_url_is_no_key_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"keys": [FIRST.private_jwk, SECOND.jwk]}).encode()
    ring = KeyRing(lambda _: body, lambda: 0.0)
    trust = Trust(ISSUER, Keys(addresses=(KeyAddress(JKU),)))
    with caplog.at_level(logging.WARNING):
        assert ring.find(trust, "first", "ES384", "") is None
    assert "PRIVATE" in caplog.text
    assert ring.find(trust, "second", "ES384", "") is not None


def test_the_file_comes_first_and_the_url_beside_it() -> None:
    url = Url(SECOND)
    url.trust = Trust(ISSUER, Keys((FIRST.key,), (KeyAddress(JKU),)))
    assert url.has("first")
    assert url.asked == []
    assert url.has("second")


def test_of_two_urls_the_one_that_a_token_names_is_asked() -> None:
    url = Url(FIRST)
    other = "https://other.example.org/jwks.json"
    url.trust = Trust(ISSUER, Keys(addresses=(KeyAddress(other), KeyAddress(JKU))))
    assert url.has("first")
    assert url.asked == [JKU]


def test_one_url_that_is_down_does_not_hide_the_other() -> None:
    def fetch(address: KeyAddress) -> bytes:
        if address.url == JKU:
            raise Unreachable("no answer")
        return jwk_set(FIRST)

    trust = Trust(ISSUER, Keys(addresses=(KeyAddress(JKU), KeyAddress("https://b.example.org/"))))
    ring = KeyRing(fetch, lambda: 0.0)
    assert ring.find(trust, "first", "ES384", "") is not None
    with pytest.raises(Unreachable):
        ring.find(trust, "made-up", "ES384", "")


def at_once(work: Callable[[], object], count: int) -> list[object]:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(work())) for _ in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=10)
    return found


def test_many_threads_at_once_ask_once() -> None:
    begun, go = threading.Event(), threading.Event()
    asked = []

    def fetch(address: KeyAddress) -> bytes:
        asked.append(address.url)
        begun.set()
        assert go.wait(5)
        return jwk_set(FIRST)

    ring = KeyRing(fetch)
    trust = Trust(ISSUER, Keys(addresses=(KeyAddress(JKU),)))
    release = threading.Timer(0.3, go.set)
    release.start()
    found = at_once(lambda: ring.find(trust, "first", "ES384", JKU), 16)
    assert len(found) == 16
    assert None not in found
    assert asked == [JKU]


def test_who_has_a_key_does_not_wait_for_another_who_fetches() -> None:
    now = [0.0]
    slow, go = threading.Event(), threading.Event()

    def fetch(_: KeyAddress) -> bytes:
        if now[0]:
            slow.set()
            assert go.wait(10)
        return jwk_set(FIRST)

    ring = KeyRing(fetch, lambda: now[0])
    trust = Trust(ISSUER, Keys(addresses=(KeyAddress(JKU),)))
    assert ring.find(trust, "first", "ES384", JKU)
    now[0] = FRESH + 1
    waiting = threading.Thread(target=lambda: ring.find(trust, "first", "ES384", JKU))
    waiting.start()
    assert slow.wait(5)
    assert ring.find(trust, "first", "ES384", JKU) is not None, "the old key is still good"
    go.set()
    waiting.join(timeout=10)
