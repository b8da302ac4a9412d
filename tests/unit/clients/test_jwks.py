import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cds_service.clients import jwks
from tests.unit.clients.signing import Signer, jwk_set, signer


def of(*members: Any) -> jwks.KeySet:
    return jwks.parse(json.dumps({"keys": list(members)}).encode())


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "RS384", "PS256", "EdDSA"])
def test_a_public_key_is_read_and_fits_its_own_algorithms_alone(algorithm: str) -> None:
    [key] = jwks.parse(jwk_set(signer(algorithm))).keys
    fitting = {one for one in jwks.ALGORITHMS if key.fits(one)}
    family = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    assert fitting == (family if algorithm[:2] in ("RS", "PS") else {algorithm})
    for never in ("none", "HS256", "HS384", "HS512", "ES256K", ""):
        assert not key.fits(never)


def test_a_key_that_names_its_algorithm_is_for_no_other() -> None:
    [key] = of({**signer("RS384").jwk, "alg": "RS384"}).keys
    assert key.fits("RS384")
    assert not key.fits("RS256")
    assert not key.fits("PS384")


@pytest.mark.parametrize("algorithm", ["ES384", "RS384", "EdDSA"])
def test_a_private_key_is_refused_loudly_and_not_repeated(algorithm: str) -> None:
    private = signer(algorithm).private_jwk
    found = of(private)
    assert found.keys == ()
    [problem] = found.problems
    assert "PRIVATE" in problem
    assert private["d"] not in problem


def test_a_shared_secret_is_refused() -> None:
    [problem] = of({"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"}).problems
    assert "shared secret" in problem


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"kid": ...}, "`kid`"),
        ({"kid": ""}, "`kid`"),
        ({"kid": 7}, "`kid`"),
        ({"kid": "x" * 257}, "`kid`"),
        ({"use": "enc"}, "`use`"),
        ({"key_ops": ["encrypt"]}, "`key_ops`"),
        ({"crv": "secp256k1"}, "curve"),
        ({"kty": "oct"}, "type"),
        ({"alg": "HS384"}, "algorithm"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "ES256"}, "not for its type"),
        ({"x": "AAAA"}, "cannot be read"),
        ({"x": ...}, "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_apart(changed: dict[str, Any], word: str) -> None:
    whole = {**signer().jwk, **changed}
    bad = {name: value for name, value in whole.items() if value is not ...}
    good = signer("ES384", "good")
    found = of(bad, good.jwk)
    assert [key.kid for key in found.keys] == ["good"]
    [problem] = found.problems
    assert word in problem


def test_a_key_that_stands_twice_is_told() -> None:
    found = of(signer().jwk, signer().jwk)
    assert len(found.keys) == 1
    assert found.problems == ("key 'key-1' stands twice",)


@pytest.mark.parametrize("bits", [1024, 1536])
def test_a_short_rsa_key_is_refused(bits: int) -> None:
    short = Signer("short", "RS384", rsa.generate_private_key(65537, bits))
    [problem] = of(short.jwk).problems
    assert str(bits) in problem


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'"x"', b"[" * 100_000, b"\xff"],
)
def test_what_is_no_jwk_set_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"is not JSON|is no JWK set"):
        jwks.parse(text)


def test_a_set_of_very_many_keys_is_not_read() -> None:
    with pytest.raises(ValueError, match="101 keys"):
        of(*[signer().jwk] * 101)
