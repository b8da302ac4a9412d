"""`cds-service clients`, and a start that would leave everybody outside or everybody in."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service import content, fitness
from cds_service.app import create_app
from cds_service.cli.main import cli
from cds_service.clients import loading
from cds_service.clients.building import Standing
from cds_service.clients.exposure import SANDBOX, SANDBOX_KEY, exposures
from cds_service.failures import Failure, Kind
from cds_service.settings import Settings
from tests.unit.clients.signing import ISSUER, SERVICE, Signer, clients_file, jwk_set, signer, written

CARDS = content.folder("cards")
OURS = signer()


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=given)


@pytest.mark.parametrize("command", ["", "check", "token"])
def test_the_help_says_what_it_is_for(command: str) -> None:
    said = run("clients", *command.split(), "--help")
    assert said.exit_code == 0
    assert "clients file" in said.output


def test_a_good_file_is_told_as_a_table(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        **{
            "rules": {"off": ["k-01-low-potassium"]},
            "silent-mode": True,
            "services": ["heavy-legs-patient-view"],
            "fhir-servers": ["https://fhir.example.org/r4"],
        },
    )
    said = run("clients", "check", str(path))
    assert said.exit_code == 0, said.output
    for word in (
        "st-elsewhere",
        ISSUER,
        "key-1 (EC P-384)",
        "heavy-legs-patient-view",
        "https://fhir.example.org/r4",
        "k-01-low-potassium",
        "silent: no cards are shown",
        "anonymous",
        "1 client, digest",
    ):
        assert word in said.output


def test_what_an_entry_changes_in_the_rule_base_is_told(tmp_path: Path) -> None:
    changed = {"thresholds": {"potassium-low": {"mmol/L": "3.6"}, "knee-mri-repeat": {"d": 365}}}
    coding = {"system": "urn:oid:2.999.17", "code": "12346"}
    path = written(tmp_path, **changed, **{"order-codes": {"knee-mri-left": [coding]}})
    said = run("clients", "check", str(path)).output
    assert "thresholds  knee-mri-repeat 365 d; potassium-low 3.6 mmol/L" in said
    assert "order codes knee-mri" in said


def test_what_an_entry_allows_beyond_the_usual_is_told(tmp_path: Path) -> None:
    server = {"base": "http://10.1.1.1/fhir", "plain-http": True, "private": True}
    more = {
        "subject": ["an-app"],
        "region": "us",
        "evaluation": True,
        "cards": 2,
        "relative-dates": True,
    }
    path = written(
        tmp_path, **{"fhir-servers": [server], "override-reasons": {"17": "patient-refuses"}}, **more
    )
    said = run("clients", "check", str(path)).output
    for word in (
        "http://10.1.1.1/fhir (plain-http, private)",
        "subject     an-app",
        "region      us",
        "cards       at most 2",
        "evaluation  every rule's result is on each response",
        "dates       it resolves today()",
        "overrides   17",
    ):
        assert word in said


def test_a_key_that_there_is_none_of_is_told_at_its_own_line_with_what_may_be_meant(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, zonee="UTC")
    line = path.read_text("utf-8").splitlines().index('   "zonee": "UTC"') + 1
    said = run("clients", "check", str(path))
    assert said.exit_code == 1
    what = "clients/st-elsewhere/zonee: there is no such key; is 'zone' meant?"
    assert f"{path}:{line}: {what}" in said.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("-----BEGIN PRIVATE KEY-----\nMII", "holds a PRIVATE key"),
        (
            "-----BEGIN PUBLIC KEY-----\nMII",
            "is PEM and not JSON: ask the client for its keys as a JWK set",
        ),
    ],
)
def test_a_key_file_of_another_form_is_told_what_it_is(tmp_path: Path, content: str, said: str) -> None:
    path = written(tmp_path)
    (tmp_path / "keys.json").write_text(content, "utf-8")
    told = run("clients", "check", str(path))
    assert told.exit_code == 1
    assert said in told.output
    assert "MII" not in told.output


def test_every_problem_is_listed_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, services=["nope"], zone="Mars/Base")
    said = run("clients", "check", str(path))
    assert said.exit_code == 1
    assert f"{path}:" in said.output
    assert "there is no service 'nope'" in said.output
    assert "Mars/Base" in said.output
    assert "2 problems" in said.output


def test_a_key_set_that_cannot_be_had_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, keys={"jku": ["https://jwks.invalid/jwks.json"]})
    assert run("clients", "check", str(path)).exit_code == 0
    said = run("clients", "check", "--fetch", str(path))
    assert said.exit_code == 1
    assert "https://jwks.invalid/jwks.json: name-not-resolved" in said.output


def test_a_good_token_is_said_to_be_good_as_often_as_it_is_asked(tmp_path: Path) -> None:
    path = written(tmp_path)
    token = OURS.token(tenant="ward-7")
    for given in (token, f"Authorization: Bearer {token}\n"):
        said = run("clients", "token", str(path), "--url", SERVICE, given=given)
        assert said.exit_code == 0, said.output
        assert "taken: client st-elsewhere, tenant ward-7" in said.output
        assert "s from now" in said.output


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"aud": "https://other.example"}, "audience"),
        ({"exp": 5}, "expired"),
        ({"iss": ISSUER + "/"}, "issuer-unknown"),
        ({"jti": ...}, "claims"),
    ],
)
def test_a_bad_token_is_told_why(tmp_path: Path, claims: dict[str, Any], word: str) -> None:
    token = OURS.token(**claims)
    said = run("clients", "token", str(written(tmp_path)), "--url", SERVICE, given=token)
    assert said.exit_code == 1
    assert f": {word}: " in said.output


# --- starting -----------------------------------------------------------------------------------


@pytest.mark.requirement(50)
@pytest.mark.parametrize(
    ("settings", "where", "todo"),
    [
        ({"host": "0.0.0.0"}, "CDS_CLIENTS", "CDS_AUTH=off"),  # noqa: S104
        ({"auth": "required"}, "CDS_CLIENTS", "clients.example.yaml"),
        ({"public_url": "https://cds.example.org"}, "CDS_CLIENTS", "CDS_AUTH=off"),
        ({"host": "0.0.0.0", "clients": True}, "CDS_PUBLIC_URL", "https://"),  # noqa: S104
        ({"auth": "required", "clients": True, "demo": True}, "--demo", "CDS_AUTH=off"),
    ],
    ids=str,
)
def test_what_would_lock_everybody_out_does_not_start_and_says_what_to_do(
    tmp_path: Path, settings: dict[str, object], where: str, todo: str
) -> None:
    if settings.get("clients"):
        settings = {**settings, "clients": written(tmp_path)}
    with pytest.raises(Failure) as caught:
        create_app(Settings(audit_db=tmp_path / "a.sqlite3", **settings))  # type: ignore[arg-type]
    assert caught.value.kind is Kind.INCORRECT
    assert caught.value.where == where
    assert todo in caught.value.todo
    assert not (tmp_path / "a.sqlite3").exists(), "before anything is made"


def test_a_file_that_names_nobody_does_not_start_where_a_proof_is_required(tmp_path: Path) -> None:
    path = clients_file(tmp_path, {})
    settings = Settings(audit_db=tmp_path / "a.sqlite3", clients=path, auth="required")
    with pytest.raises(Failure, match="names no client") as caught:
        create_app(settings)
    assert caught.value.kind is Kind.INCORRECT
    assert not (tmp_path / "a.sqlite3").exists(), "before anything is made"


def told(path: Path, settings: Settings) -> list[str]:
    rule_base = fitness.load(content.texts(CARDS), locked=False)
    return list(exposures(loading.load(path, rule_base, Standing()), settings))


@pytest.mark.requirement(73)
def test_the_sandbox_as_a_client_is_told_where_others_can_call(tmp_path: Path) -> None:
    keyed = Signer(SANDBOX_KEY, "ES384", OURS.private)
    (tmp_path / "keys.json").write_bytes(jwk_set(keyed))
    for issuer in (SANDBOX, "https://looks-harmless.example"):
        path = clients_file(tmp_path, {"sbx": {"issuer": issuer, "keys": {"file": "keys.json"}}})
        [said] = told(path, Settings(public_url="https://cds.example.org"))
        assert "ANYBODY" in said
        assert told(path, Settings()) == []


def test_a_public_url_without_tls_is_told(tmp_path: Path) -> None:
    [said] = told(written(tmp_path), Settings(public_url="http://cds.example.org"))
    assert "without TLS" in said
    assert told(written(tmp_path), Settings(public_url="https://cds.example.org")) == []


def test_a_clients_file_that_nobody_needs_is_told(tmp_path: Path) -> None:
    [said] = told(written(tmp_path), Settings(host="0.0.0.0", auth="off"))  # noqa: S104
    assert "need not prove anything" in said


def test_any_page_that_may_have_a_fhir_server_asked_is_told(tmp_path: Path) -> None:
    server = {"base": "http://127.0.0.1:8081/fhir", "plain-http": True, "private": True}
    path = clients_file(tmp_path, {}, anonymous={"fhir-servers": [server]})
    [said] = told(path, Settings(origins=("*",)))
    assert "Any web page" in said
    assert told(path, Settings()) == told(path, Settings(origins=("https://a.example",))) == []
