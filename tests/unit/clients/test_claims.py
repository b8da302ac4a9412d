"""What a token claims: whom it is for, from when to when, whose it is (requirements 52, 55 to 57)."""

import base64
import json
from typing import Any

import pytest

from cds_service.clients.model import KeyAddress, Keys
from cds_service.clients.token_reasons import LONGEST_LIFE, TokenReason
from tests.unit.clients.checking import OURS, checked, client, of, reason
from tests.unit.clients.signing import BASE, ISSUER, JKU, SERVICE, raw


@pytest.mark.requirement(52)
@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti"])
@pytest.mark.parametrize("value", [..., None, "", True, [], {}, "7"])
def test_a_claim_that_is_missing_or_mistyped_is_refused(claim: str, value: Any) -> None:
    if value == "7" and claim not in ("exp", "iat"):
        value = 7  # a text where a number is due, and the other way round
    claims = {**OURS.claims(), claim: value}
    kept = {name: one for name, one in claims.items() if one is not ...}
    token = raw({"alg": "ES384", "typ": "JWT", "kid": OURS.kid}, kept, b"x")
    assert reason(token) is TokenReason.CLAIMS


@pytest.mark.parametrize(
    "claims",
    [
        {"jti": "j" * 257},
        {"iss": "i" * 2000},
        {"tenant": 7},
        {"tenant": "t" * 2000},
        {"aud": [SERVICE] * 21},
        {"aud": [SERVICE, 7]},
        {"nbf": "now"},
        {"exp": 1e300},
        {"iat": -(10**40)},
    ],
    ids=str,
)
def test_a_claim_beyond_all_bounds_is_refused(claims: dict[str, Any]) -> None:
    assert reason(OURS.token(**claims)) in (TokenReason.CLAIMS, TokenReason.ISSUER)


@pytest.mark.requirement(52)
def test_not_a_number_is_no_time() -> None:
    for said in ("NaN", "Infinity", "-Infinity", "1" * 5000):
        claims = json.dumps({**OURS.claims(), "exp": 12345}).replace("12345", said)
        parts = [json.dumps({"alg": "ES384", "kid": OURS.kid}), claims]
        token = ".".join(base64.urlsafe_b64encode(one.encode()).rstrip(b"=").decode() for one in parts)
        assert reason(f"{token}.eA") in (TokenReason.CLAIMS, TokenReason.MALFORMED)


@pytest.mark.requirement(54)
@pytest.mark.parametrize("issuer", [ISSUER + "/", ISSUER.upper(), "https://evil.example", "x"])
def test_an_issuer_is_compared_as_it_stands(issuer: str) -> None:
    assert reason(OURS.token(iss=issuer)) is TokenReason.ISSUER


@pytest.mark.requirement(57)
@pytest.mark.parametrize(
    "audience",
    [
        SERVICE,
        SERVICE + "/",
        f"{BASE}/cds-services//heavy-legs-patient-view",
        f"{BASE}:443/cds-services/heavy-legs-patient-view",
        SERVICE.replace("cds.example.org", "CDS.Example.Org"),
        ["https://other.example", SERVICE],
    ],
    ids=str,
)
def test_the_endpoint_called_is_an_audience_however_it_is_spelt(audience: Any) -> None:
    checked(OURS.token(aud=audience))


@pytest.mark.requirement(57)
@pytest.mark.parametrize(
    "audience",
    [
        BASE,
        f"{BASE}/cds-services",
        f"{SERVICE}/feedback",
        f"{BASE}/cds-services/heavy-legs-order-sign",
        SERVICE.replace("https", "http"),
        SERVICE.replace("heavy", "HEAVY"),
        f"{SERVICE}?x=1",
        f"{SERVICE}#x",
        f"https://cds.example.org@evil.example{SERVICE.removeprefix(BASE)}",
        "https://evil.example/cds-services/heavy-legs-patient-view",
        "https://[cds.example.org",
        ["https://evil.example"],
        "heavy-legs",
    ],
    ids=str,
)
def test_any_other_audience_is_refused(audience: Any) -> None:
    assert reason(OURS.token(aud=audience)) is TokenReason.AUDIENCE


@pytest.mark.requirement(57)
def test_an_audience_that_was_typed_in_by_hand_is_taken_as_it_stands() -> None:
    typed = of(client(audiences=("heavy-legs", f"{BASE}/cds-services")))
    checked(OURS.token(aud="heavy-legs"), typed)
    checked(OURS.token(aud=[f"{BASE}/cds-services"]), typed)
    checked(OURS.token(), typed)
    assert reason(OURS.token(aud="Heavy-Legs"), typed) is TokenReason.AUDIENCE


@pytest.mark.requirement(56)
@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"iat": -301, "exp": -1}, None),
        ({"iat": -360, "exp": -59}, None),
        ({"iat": -361, "exp": -61}, TokenReason.EXPIRED),
        ({"iat": -9000, "exp": -8000}, TokenReason.EXPIRED),
        ({"iat": 1, "exp": 301}, None),  # rounded up, as half of the sandbox's are
        ({"iat": 59, "exp": 359}, None),
        ({"iat": 62, "exp": 362}, TokenReason.NOT_YET),
        ({"iat": 0, "exp": 900, "nbf": -300}, None),  # as Epic's
        ({"iat": 0, "exp": 900, "nbf": 59}, None),
        ({"iat": 0, "exp": 900, "nbf": 62}, TokenReason.NOT_YET),
        ({"iat": 0, "exp": LONGEST_LIFE}, None),
        ({"iat": 0, "exp": LONGEST_LIFE + 1}, TokenReason.LIFETIME),
        ({"iat": 0, "exp": 10**9}, TokenReason.LIFETIME),
        ({"iat": -(10**9), "exp": 300}, TokenReason.LIFETIME),
        ({"iat": 10, "exp": 10}, TokenReason.LIFETIME),
        ({"iat": 40, "exp": 20}, TokenReason.LIFETIME),
        ({"iat": 0, "exp": 20, "nbf": 30}, TokenReason.LIFETIME),
        ({"iat": 0.5, "exp": 300.25}, None),
    ],
    ids=str,
)
def test_times_with_a_minute_of_leeway(claims: dict[str, Any], expected: TokenReason | None) -> None:
    now = 1_800_000_000.0
    token = OURS.token(**{name: now + value for name, value in claims.items()})
    if expected is None:
        assert checked(token, now=now).expires >= now + claims["exp"]
    else:
        assert reason(token, now=now) is expected


@pytest.mark.requirement(55)
def test_a_token_is_remembered_for_as_long_as_it_could_be_used() -> None:
    token = OURS.token(iat=1_800_000_000, exp=1_800_000_300)
    proof = checked(token, now=1_800_000_000.0)
    checked(token, now=float(proof.expires) - 1)
    assert reason(token, now=float(proof.expires)) is TokenReason.EXPIRED


@pytest.mark.requirement(55, 101)
def test_the_tenant_tells_clients_of_one_issuer_apart() -> None:
    shared = of(client("a", tenants=("t-a", "t-b")), client("c", tenants=("t-c",)))
    assert checked(OURS.token(tenant="t-b"), shared).client.name == "a"
    assert checked(OURS.token(tenant="t-c"), shared).client.name == "c"
    assert reason(OURS.token(tenant="t-d"), shared) is TokenReason.TENANT
    assert reason(OURS.token(), shared) is TokenReason.TENANT


def test_a_subject_that_is_listed_must_be_there() -> None:
    listed = of(client(subjects=("app-1", "app-2")))
    checked(OURS.token(sub="app-2"), listed)
    assert reason(OURS.token(sub="app-3"), listed) is TokenReason.SUBJECT
    assert reason(OURS.token(), listed) is TokenReason.SUBJECT
    checked(OURS.token(sub="whoever"))


@pytest.mark.requirement(55)
def test_who_is_asked_for_keys_has_a_good_token_but_for_its_signature() -> None:
    """A made-up token must not make us call anybody before all that costs nothing was looked at."""
    fetched = of(client(keys=Keys(addresses=(KeyAddress(JKU),)), tenants=("t",)))
    good = {"tenant": "t"}
    wrong: list[dict[str, Any]] = [
        {"tenant": "u"},
        {**good, "aud": "https://other.example"},
        {**good, "exp": 5},
        {**good, "jti": ...},
    ]
    for claims in wrong:
        reason(OURS.token({"jku": JKU}, **claims), fetched)  # a fetch would be a KeyError
    with pytest.raises(KeyError):
        checked(OURS.token({"jku": JKU}, **good), fetched)
