"""Checking tokens without a service: at one endpoint, with one client or some."""

import time
from typing import Any

import pytest

from cds_service.clients.keys import KeyRing
from cds_service.clients.model import Client, Clients, KeyAddress, Keys, Trust
from cds_service.clients.token_reasons import TokenReason, TokenRefused
from cds_service.clients.tokens import Proof, canonical, check
from cds_service.rulebase.model import RuleBase
from tests.unit.clients.signing import ISSUER, SERVICE, signer

ENDPOINTS = frozenset({canonical(SERVICE)})
OURS = signer()


def client(name: str = "st-elsewhere", /, **trust: Any) -> Client:
    whole = {"issuer": ISSUER, "keys": Keys((OURS.key,)), **trust}
    return Client(name, RULES, trust=Trust(**whole))


RULES: RuleBase = None  # type: ignore[assignment] # no rule is looked at here


def of(*clients: Client) -> Clients:
    return Clients({one.name: one for one in clients or (client(),)})


def checked(
    token: str, clients: Clients | None = None, *, now: float | None = None, **urls: bytes
) -> Proof:
    """Check a token, as of now; `urls` are what stands at key addresses, by the last part of a name."""

    def fetch(address: KeyAddress) -> bytes:
        return urls[address.url.rpartition("/")[2].partition(".")[0]]

    at = time.time() if now is None else now
    return check(token, clients or of(), ENDPOINTS, KeyRing(fetch), at)


def reason(token: str, clients: Clients | None = None, **more: Any) -> TokenReason:
    with pytest.raises(TokenRefused) as caught:
        checked(token, clients, **more)
    return caught.value.reason
