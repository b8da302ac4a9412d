"""A token that the public sandbox really made (requirement 73)."""

import json

import pytest

from cds_service.clients import jwks
from cds_service.clients.keys import KeyRing
from cds_service.clients.model import Keys
from cds_service.clients.token_reasons import TokenReason, TokenRefused
from cds_service.clients.tokens import check
from tests.unit.clients.checking import OURS, client, of
from tests.unit.clients.signing import Signer

# Signed by the public sandbox in July 2020, and published since in a public repository that tries how
# to verify it; the key is the one of requirement 73.
SANDBOX = {
    "kty": "EC",
    "crv": "P-384",
    "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
    "use": "sig",
    "alg": "ES384",
    "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
    "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy",
}
SEEN = (
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6IjQ0ODIzZjNkLTBiMDEtNGE2Yy1hODBlLWI5ZDNlOGE3MjI2ZiIs"
    "ImprdSI6Imh0dHBzOi8vc2FuZGJveC5jZHMtaG9va3Mub3JnLy53ZWxsLWtub3duL2p3a3MuanNvbiJ9"
    ".eyJpc3MiOiJodHRwczovL3NhbmRib3guY2RzLWhvb2tzLm9yZyIsImF1ZCI6Imh0dHA6Ly8xMjcuMC4wLjE6ODAwMC9jZHMt"
    "c2VydmljZXMiLCJleHAiOjE1OTQyMzA5MDAsImlhdCI6MTU5NDIzMDYwMCwianRpIjoiZWZiMzc3M2QtM2EyOC00M2UyLTlm"
    "YmMtYjkzNmE5YWUzODhiIn0"
    ".Cbey3n5NkDRoCLHZ2WMFc1z_RY8Rlq5oGxdAYfbrBPMiJXLCwjbYoU0av2CQj-Olhbnpe7Vs8vzJ5oHP5gc2-0ooc5J49t4U"
    "z9iYKpiM9KLUrqaJe0umc_klM2-ynHAI"
)


@pytest.mark.requirement(73)
@pytest.mark.parametrize(
    ("at", "expected"), [(599.4, None), (600, None), (959, None), (961, TokenReason.EXPIRED)]
)
def test_a_token_that_the_sandbox_made(at: float, expected: TokenReason | None) -> None:
    [key] = jwks.parse(json.dumps({"keys": [SANDBOX]}).encode()).keys
    sandbox = of(client("sandbox", issuer="https://sandbox.cds-hooks.org", keys=Keys((key,))))
    endpoints = frozenset({"http://127.0.0.1:8000/cds-services"})
    ring = KeyRing(lambda _: b"")
    now = 1_594_230_000 + at
    if expected is None:
        proof = check(SEEN, sandbox, endpoints, ring, now)
        assert proof.jti == "efb3773d-3a28-43e2-9fbc-b936a9ae388b"
    else:
        with pytest.raises(TokenRefused) as caught:
            check(SEEN, sandbox, endpoints, ring, now)
        assert caught.value.reason is expected


def test_other_keys_of_the_same_curve_do_not_verify_it() -> None:
    forged = Signer(str(SANDBOX["kid"]), "ES384", OURS.private)
    sandbox = of(client("sandbox", issuer="https://sandbox.cds-hooks.org", keys=Keys((forged.key,))))
    endpoints = frozenset({"http://127.0.0.1:8000/cds-services"})
    with pytest.raises(TokenRefused) as caught:
        check(SEEN, sandbox, endpoints, KeyRing(lambda _: b""), 1_594_230_600)
    assert caught.value.reason is TokenReason.SIGNATURE
