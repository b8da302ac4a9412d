"""Who may call where tokens are demanded: discovery, services, feedback, preflights (section L)."""

import json
import logging
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.audit import reading, store
from cds_service.clients.keys import KeyRing
from cds_service.clients.model import KeyAddress
from cds_service.clients.refusals import Refusals
from cds_service.clients.token_reasons import MEANINGS, TokenReason
from cds_service.failures import Failure, Kind
from tests.conformance.calls import address, answered, request
from tests.conformance.conftest import MakeApp
from tests.unit.clients.signing import BASE, ISSUER, JKU, SERVICE, Signer, raw, signer, written

pytestmark = pytest.mark.requirement(50)
OURS, EPIC = signer(), signer("RS384", "epic")
BODY = json.dumps(request()).encode()
CLAIMS = ("iss", "aud", "exp", "iat", "jti")
FEEDBACK = json.dumps(
    {
        "feedback": [
            {
                "card": "0a0a0a0a-0000-4000-8000-00000000000a",
                "outcome": "overridden",
                "outcomeTimestamp": "2026-11-22T12:00:00Z",
            }
        ]
    }
).encode()
DISCOVERY = f"{BASE}/cds-services"


def app_for(make_app: MakeApp, folder: Path, entry: Mapping[str, Any], **settings: Any) -> Flask:
    chosen = {"auth": "required", "public_url": BASE, "origins": ("*",), "demo": False}
    chosen |= {"allow_now": True, **settings}
    return make_app(clients=written(folder, OURS, EPIC, **entry), **chosen)


@pytest.fixture(scope="module")
def guarded(make_app: MakeApp, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return the application where every call must carry a token."""
    folder = tmp_path_factory.mktemp("clients")
    return app_for(make_app, folder, {"audience": ["https://typed.example"]}, auth_discovery=True)


@pytest.fixture
def client(guarded: Flask) -> FlaskClient:
    return guarded.test_client()


def call(client: FlaskClient, token: str | None, url: str = SERVICE, **more: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = url.removeprefix(BASE)
    if path.endswith("cds-services"):
        return client.get(path, headers=headers, **more)
    body = FEEDBACK if path.endswith("feedback") else BODY
    return client.post(path, data=body, content_type="application/json", headers=headers, **more)


def rows(app: Flask) -> list[Mapping[str, Any]]:
    database = app.extensions["cds"].settings.audit_db
    with closing(store.reading(database)) as connection:
        statement = f"SELECT {reading.COLUMNS} FROM rows WHERE NOT checkpoint"  # noqa: S608
        return [reading.row_of(one).event for one in connection.execute(statement)]


NOTHING = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}


def refused(response: TestResponse) -> None:
    """Check that a call was refused, and that not a word says why."""
    assert response.status_code == 401, response.text
    assert response.get_json() == NOTHING
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


# --- good ones ----------------------------------------------------------------------------------


@pytest.mark.requirement(8, 48)
@pytest.mark.parametrize("url", [DISCOVERY, SERVICE, f"{SERVICE}/feedback"])
@pytest.mark.parametrize("ours", [OURS, EPIC], ids=["ES384", "RS384"])
def test_a_token_for_the_address_called_is_let_in(client: FlaskClient, url: str, ours: Signer) -> None:
    for other in {DISCOVERY, SERVICE, f"{SERVICE}/feedback"} - {url}:
        refused(call(client, ours.token(aud=url), other))
    assert call(client, ours.token(aud=url), url).status_code == 200


@pytest.mark.requirement(93)
def test_a_token_as_epic_makes_it_is_let_in(client: FlaskClient) -> None:
    now = int(time.time())
    claims: dict[str, Any] = {"iat": now, "nbf": now - 300, "exp": now + 900, "sub": "an-app"}
    answered(call(client, EPIC.token({"jku": JKU}, aud="https://typed.example", **claims)))


@pytest.mark.requirement(73)
def test_a_token_as_the_sandbox_makes_it_is_let_in_also_rounded_up(client: FlaskClient) -> None:
    for ahead in (0, 1):
        now = round(time.time()) + ahead
        answered(call(client, OURS.token({"jku": JKU}, iat=now, exp=now + 300)))


def test_the_audit_says_which_client_and_which_tenant(guarded: Flask, client: FlaskClient) -> None:
    answered(call(client, OURS.token(tenant="ward-7")))
    found = rows(guarded)[-1]
    assert found["kind"] == "answered"
    assert found["client"].startswith("st-elsewhere")


def test_the_scheme_is_not_a_matter_of_case(client: FlaskClient) -> None:
    headers = {"Authorization": f"bearer  {OURS.token()}"}
    answered(client.post(address(), data=BODY, content_type="application/json", headers=headers))


# --- bad ones -----------------------------------------------------------------------------------


def bad(url: str) -> dict[str, tuple[TokenReason, str]]:
    """Return every kind of bad token for an address: the reason that the log gets, and the token."""
    now = int(time.time())
    stranger = signer("ES384", "stranger")

    def made(header: Mapping[str, Any] | None = None, by: Signer = OURS, **claims: Any) -> str:
        return by.token(header, **{"aud": url, **claims})

    def unsigned(algorithm: str, signature: bytes = b"") -> str:
        header = {"alg": algorithm, "typ": "JWT", "kid": OURS.kid}
        return raw(header, OURS.claims(aud=url), signature)

    lacking: dict[str, dict[str, Any]] = {name: {"aud": url, name: ...} for name in CLAIMS}
    return {
        "expired": (TokenReason.EXPIRED, made(iat=now - 400, exp=now - 100)),
        "ahead": (TokenReason.NOT_YET, made(iat=now + 100, exp=now + 400)),
        "nbf ahead": (TokenReason.NOT_YET, made(nbf=now + 100)),
        "for a day": (TokenReason.LIFETIME, made(exp=now + 86_400)),
        "for ever": (TokenReason.LIFETIME, made(exp=2**36)),
        "elsewhere": (TokenReason.AUDIENCE, made(aud="https://other.example/cds-services")),
        "another address here": (TokenReason.AUDIENCE, made(aud=f"{url}/more")),
        "by the Host header": (
            TokenReason.AUDIENCE,
            made(aud=url.replace("cds.example.org", "localhost")),
        ),
        "issuer": (TokenReason.ISSUER, made(iss="https://evil.example")),
        "unsigned": (TokenReason.ALGORITHM, unsigned("none")),
        "HS256": (TokenReason.ALGORITHM, unsigned("HS256", b"x" * 32)),
        "ES384 key, RS384 token": (TokenReason.KEY_UNKNOWN, made({"kid": OURS.kid}, EPIC)),
        "RS384 key, ES384 token": (TokenReason.KEY_UNKNOWN, made({"kid": EPIC.kid})),
        "unlisted": (TokenReason.ALGORITHM, made(None, signer("RS256", "epic"))),
        "no kid": (TokenReason.HEADER, made({"kid": ...})),
        "unknown kid": (TokenReason.KEY_UNKNOWN, made(None, stranger)),
        "stranger's signature": (TokenReason.SIGNATURE, made({"kid": OURS.kid}, stranger)),
        "own key in the header": (TokenReason.HEADER, made({"jwk": stranger.jwk}, stranger)),
        "huge": (TokenReason.TOO_LONG, made(more="x" * 9000)),
        "nonsense": (TokenReason.MALFORMED, "nonsense"),
        **{f"no {name}": (TokenReason.CLAIMS, OURS.token(**one)) for name, one in lacking.items()},
    }


@pytest.mark.requirement(51, 52, 53, 54, 56, 57, 58)
@pytest.mark.parametrize("name", bad(SERVICE))
@pytest.mark.parametrize("url", [DISCOVERY, SERVICE, f"{SERVICE}/feedback"], ids=["d", "s", "f"])
def test_a_call_without_a_good_token_is_refused_and_told_nothing(
    guarded: Flask, caplog: pytest.LogCaptureFixture, name: str, url: str
) -> None:
    reason, token = bad(url)[name]
    forget_what_was_told(guarded)
    before = len(rows(guarded))
    caplog.clear()
    with caplog.at_level(logging.INFO):
        refused(call(guarded.test_client(), token, url))
    assert f"401, {reason}" in caplog.text
    assert MEANINGS[reason] in caplog.text
    for piece in (*token.split("."), ISSUER, "evil"):
        assert len(piece) < 4 or piece not in caplog.text, "nothing that the caller sent is logged"
    assert len(rows(guarded)) == before, "and nothing is written to the audit"


def forget_what_was_told(app: Flask) -> None:
    """Have the next refusal told at once, as in a new process."""
    app.extensions["cds"].authentication.refusals = Refusals()


@pytest.mark.requirement(50, 58)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Negotiate abc",
        "JWT {token}",
        "{token}",
        "Bearer {token} {token}",
        "Bearer {token},Bearer {token}",
        "Bearer {token}, Basic dXNlcjpwYXNzd29yZA==",
        "Bearer {token}=",
        "Bearer a b",
    ],
)
def test_what_is_not_one_bearer_token_is_refused(client: FlaskClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=OURS.token())}
    refused(client.post(address(), data=BODY, content_type="application/json", headers=headers))


@pytest.mark.requirement(50)
def test_two_authorization_headers_are_refused(client: FlaskClient) -> None:
    headers = [("Authorization", f"Bearer {OURS.token()}") for _ in range(2)]
    refused(client.post(address(), data=BODY, content_type="application/json", headers=headers))


@pytest.mark.requirement(55)
def test_a_token_is_good_for_one_call(client: FlaskClient) -> None:
    token = OURS.token(aud=[SERVICE, DISCOVERY])
    answered(call(client, token))
    refused(call(client, token))
    refused(call(client, token, DISCOVERY))


@pytest.mark.requirement(55)
def test_a_token_that_was_refused_is_not_used_up(client: FlaskClient) -> None:
    token = OURS.token()
    refused(call(client, token, DISCOVERY))
    answered(call(client, token))


@pytest.mark.requirement(55)
def test_when_nobody_can_tell_whether_a_token_was_used_nobody_is_let_in(
    guarded: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bool:
        raise Failure(Kind.UNAVAILABLE, "is locked")

    replay = guarded.extensions["cds"].authentication._replay  # noqa: SLF001
    monkeypatch.setattr(replay, "first", fails)
    assert call(guarded.test_client(), OURS.token()).status_code == 503


def test_a_body_of_a_caller_who_may_not_call_is_not_read(client: FlaskClient) -> None:
    response = client.post(address(), data=b"{", content_type="text/plain")
    refused(response)


@pytest.mark.requirement(50)
def test_an_address_that_is_not_there_is_no_way_to_learn_what_is(client: FlaskClient) -> None:
    refused(call(client, None, f"{BASE}/cds-services/another"))
    refused(call(client, None, f"{BASE}/cds-services/another/feedback"))


@pytest.mark.requirement(60, 72)
def test_a_preflight_needs_no_token(client: FlaskClient) -> None:
    response = client.options(
        address(),
        headers={
            "Origin": "https://sandbox.cds-hooks.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert response.status_code == 200
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


# --- the log ------------------------------------------------------------------------------------


@pytest.mark.requirement(58)
def test_refused_calls_are_counted_and_not_written_down(
    guarded: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    forget_what_was_told(guarded)
    before = len(rows(guarded))
    for _ in range(20):
        refused(call(guarded.test_client(), OURS.token(exp=5)))
    assert len(rows(guarded)) == before
    told = [one.getMessage() for one in caplog.records if "refused" in one.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("1 call refused, 401, expired (client st-elsewhere)")
    guarded.extensions["cds"].authentication.refusals.tell(all_of_them=True)
    assert "19 calls refused, 401, expired" in caplog.text


# --- discovery, and where authentication is off ---------------------------------------------------


@pytest.mark.requirement(8)
def test_discovery_is_open_unless_said_otherwise_and_a_token_there_must_be_good(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = app_for(make_app, tmp_path, {"services": ["heavy-legs-patient-view"]})
    client = app.test_client()
    assert len(answered(call(client, None, DISCOVERY))["services"]) > 1
    [own] = answered(call(client, OURS.token(aud=DISCOVERY), DISCOVERY))["services"]
    assert own["id"] == "heavy-legs-patient-view"
    refused(call(client, OURS.token(), DISCOVERY))
    refused(call(client, OURS.token(aud=DISCOVERY, iss="https://evil.example"), DISCOVERY))
    refused(call(client, None))


@pytest.mark.requirement(50)
def test_where_it_is_off_a_known_clients_token_still_must_be_good(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = app_for(make_app, tmp_path, {"services": ["heavy-legs-patient-view"]}, auth="off")
    client = app.test_client()
    answered(call(client, None))
    assert rows(app)[-1]["client"] == "anonymous"
    answered(call(client, OURS.token()))
    assert rows(app)[-1]["client"] == "st-elsewhere"
    refused(call(client, OURS.token(exp=5)))
    # The sandbox sends a token wherever it calls: one that nobody here knows proves nothing, and harms
    # nobody.
    answered(call(client, OURS.token(iss="https://sandbox.cds-hooks.org")))
    assert rows(app)[-1]["client"] == "anonymous"


def test_a_key_that_was_added_to_the_file_counts_once_it_was_read_again(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = app_for(make_app, tmp_path, {})
    new = signer("ES384", "rotated")
    refused(call(app.test_client(), new.token()))
    written(tmp_path, OURS, EPIC, new)
    refused(call(app.test_client(), new.token()))
    app.extensions["cds"].reload()
    answered(call(app.test_client(), new.token()))
    assert rows(app)[-2]["kind"] == "configured"


def test_the_last_client_is_shut_out_by_a_file_without_it(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_for(make_app, tmp_path, {})
    answered(call(app.test_client(), OURS.token()))
    (tmp_path / "clients.yaml").write_text("clients: {}\n", "utf-8")
    app.extensions["cds"].reload()
    refused(call(app.test_client(), OURS.token()))


def test_key_addresses_are_asked_for_the_client_that_has_them_alone(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = app_for(make_app, tmp_path, {"keys": {"jku": ["https://unreachable.invalid/jwks.json"]}})
    asked: list[str] = []

    def fetch(one: KeyAddress) -> bytes:
        asked.append(one.url)
        return b"{}"

    app.extensions["cds"].authentication._keys = KeyRing(fetch)  # noqa: SLF001
    refused(call(app.test_client(), OURS.token({"jku": "https://evil.example/jwks.json"})))
    assert asked == []
    refused(call(app.test_client(), OURS.token()))
    assert asked == ["https://unreachable.invalid/jwks.json"]


@pytest.mark.requirement(50)
@pytest.mark.parametrize(
    "mark",
    ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"],
)
def test_a_proxy_on_the_same_machine_does_not_open_the_door(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, mark: str
) -> None:
    """Authentication is off on loopback by itself; that a proxy stands there makes it the world."""
    trusting, told = make_app(origins=("*",)).test_client(), make_app(auth="off").test_client()
    marked = {f"HTTP_{mark.upper().replace('-', '_')}": "203.0.113.7"}
    with caplog.at_level(logging.WARNING):
        refused(call(trusting, None, environ_overrides=marked))
    assert MEANINGS[TokenReason.FORWARDED] in caplog.text
    assert "203.0.113.7" not in caplog.text
    refused(call(trusting, None, DISCOVERY, environ_overrides=marked))
    for url in (DISCOVERY, SERVICE):
        assert call(trusting, None, url).status_code == 200
        assert call(told, None, url, environ_overrides=marked).status_code == 200
