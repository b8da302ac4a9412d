"""Tokens: algorithms, keys, headers, and what is no token (requirements 51, 53, 54)."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cds_service.clients.model import KeyAddress, Keys
from cds_service.clients.token_reasons import LONGEST, TokenReason
from tests.unit.clients.checking import OURS, checked, client, of, reason
from tests.unit.clients.signing import ISSUER, JKU, jwk_set, raw, signer


def test_a_good_token_proves_its_client() -> None:
    proof = checked(OURS.token(jti="the-jti", tenant="ward-7"))
    assert (proof.client.name, proof.issuer, proof.jti) == ("st-elsewhere", ISSUER, "the-jti")
    assert proof.tenant == "ward-7"


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "RS384", "PS512", "EdDSA"])
def test_what_an_entry_lists_is_taken(algorithm: str) -> None:
    other = signer(algorithm)
    listed = client(keys=Keys((other.key,)), algorithms=(algorithm,))
    checked(other.token(), of(listed))
    unlisted = client(keys=Keys((other.key,)), algorithms=("ES384",))
    assert reason(other.token(), of(unlisted)) is TokenReason.ALGORITHM


# --- algorithms and keys (53, 54) --------------------------------------------------------------


def hmac_token(algorithm: str, secret: bytes) -> str:
    unsigned = raw({"alg": algorithm, "kid": OURS.kid, "typ": "JWT"}, OURS.claims()).rpartition(".")[0]
    hashed = hmac.new(secret, unsigned.encode(), hashlib.new(f"sha{algorithm[2:]}").name).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(hashed).rstrip(b'=').decode()}"


@pytest.mark.requirement(53)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", [PublicFormat.SubjectPublicKeyInfo, "jwk"])
def test_the_public_key_is_no_secret_to_sign_with(algorithm: str, form: Any) -> None:
    if form == "jwk":
        secret = json.dumps(OURS.jwk).encode()
    else:
        secret = OURS.private.public_key().public_bytes(Encoding.PEM, form)
    assert reason(hmac_token(algorithm, secret)) is TokenReason.ALGORITHM


@pytest.mark.requirement(53)
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7, ["ES384"]])
@pytest.mark.parametrize("signature", [b"", b"x"])
def test_an_unsigned_token_proves_nothing(algorithm: Any, signature: bytes) -> None:
    token = raw({"alg": algorithm, "kid": OURS.kid, "typ": "JWT"}, OURS.claims(), signature)
    assert reason(token) is TokenReason.ALGORITHM


@pytest.mark.requirement(53)
def test_a_signature_that_is_taken_away_proves_nothing() -> None:
    token = OURS.token()
    assert reason(token.rpartition(".")[0] + ".") is TokenReason.SIGNATURE


@pytest.mark.requirement(53)
def test_a_key_is_not_used_with_the_algorithm_of_another() -> None:
    rsa = signer("RS384")
    both = client(keys=Keys((OURS.key,)), algorithms=("ES384", "RS384", "ES256"))
    # The header of one, the key of the other: signed with RSA, and naming the elliptic key.
    assert reason(rsa.token({"kid": OURS.kid}), of(both)) is TokenReason.KEY_UNKNOWN
    smaller = signer("ES256")
    assert reason(smaller.token({"kid": OURS.kid}), of(both)) is TokenReason.KEY_UNKNOWN


@pytest.mark.requirement(53)
def test_the_signature_of_another_key_proves_nothing() -> None:
    stranger = signer("ES384", "stranger")
    assert reason(stranger.token({"kid": OURS.kid})) is TokenReason.SIGNATURE


@pytest.mark.requirement(53)
def test_a_changed_claim_breaks_the_signature() -> None:
    header, claims, signature = OURS.token().split(".")
    padded = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    changed = json.dumps({**json.loads(padded), "tenant": "another"}).encode()
    told = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    assert reason(f"{header}.{told}.{signature}") is TokenReason.SIGNATURE


@pytest.mark.requirement(51)
@pytest.mark.parametrize(
    "header",
    [
        {"kid": ...},
        {"kid": ""},
        {"kid": "k" * 2000},
        {"typ": "at+jwt"},
        {"typ": "JOSE"},
        {"crit": ["exp"], "exp": 1},
        {"jwk": signer("ES384", "stranger").jwk},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"b64": True},
    ],
    ids=lambda one: f"{next(iter(one))}",
)
def test_a_header_that_is_not_that_of_a_plain_token_is_refused(header: dict[str, Any]) -> None:
    whole = {"alg": "ES384", "typ": "JWT", "kid": OURS.kid, **header}
    kept = {name: value for name, value in whole.items() if value is not ...}
    assert reason(raw(kept, OURS.claims(), b"x" * 96)) is TokenReason.HEADER


@pytest.mark.requirement(51)
@pytest.mark.parametrize("header", [{"typ": ...}, {"typ": "jwt"}, {"x5t": "thumb"}, {"cty": "x"}])
def test_a_header_that_differs_without_meaning_is_taken(header: dict[str, Any]) -> None:
    checked(OURS.token(header))


def test_a_kid_that_nobody_has_is_refused() -> None:
    assert reason(OURS.token({"kid": "another"})) is TokenReason.KEY_UNKNOWN


@pytest.mark.requirement(51, 54)
def test_a_key_address_is_used_if_the_entry_has_it_and_never_asked_otherwise() -> None:
    fetched = client(keys=Keys(addresses=(KeyAddress(JKU),)))
    checked(OURS.token({"jku": JKU}), of(fetched), jwks=jwk_set(OURS))
    checked(OURS.token(), of(fetched), jwks=jwk_set(OURS))
    for elsewhere in ("https://evil.example/jwks.json", JKU + "?", JKU + "#x", "file:///etc/passwd"):
        # Asked for it, the test's fetching would raise a KeyError.
        assert reason(OURS.token({"jku": elsewhere}), of(fetched)) is TokenReason.KEY_ADDRESS


def test_with_a_key_file_alone_jku_is_not_looked_at() -> None:
    checked(OURS.token({"jku": "https://sandbox.cds-hooks.org/.well-known/jwks.json"}))


def test_keys_of_one_client_prove_nothing_about_another() -> None:
    stranger = signer("ES384", "stranger")
    clients = of(
        client("one"),
        client("other", issuer="https://b.example", keys=Keys((stranger.key,))),
    )
    assert checked(stranger.token(iss="https://b.example"), clients).client.name == "other"
    assert reason(stranger.token(), clients) is TokenReason.KEY_UNKNOWN
    assert reason(OURS.token(iss="https://b.example"), clients) is TokenReason.KEY_UNKNOWN


# --- no tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "eyJhbGciOiJFUzM4NCJ9..",
        OURS.token().replace(".", "=."),
        OURS.token() + "\n",
        raw({}, {})[:-1],
        "W10.e30.",
        "e30.W10.",
        "e30.bnVsbA.",
    ],
)
def test_what_is_no_token_is_malformed(text: str) -> None:
    assert reason(text) in (TokenReason.MALFORMED, TokenReason.HEADER)


def test_a_deeply_nested_token_is_malformed() -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' * 1000 + b"1" + b"}" * 1000).rstrip(b"=").decode()
    assert reason(f"e30.{deep}.") in (TokenReason.MALFORMED, TokenReason.HEADER)


def test_a_token_has_a_longest_length() -> None:
    claims: dict[str, Any] = {"tenant": "t" * 900, "more": "x" * LONGEST}
    assert reason(OURS.token(**claims)) is TokenReason.TOO_LONG
