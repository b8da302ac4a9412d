"""The page's routes, without a browser."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service import content
from cds_service.app import create_app
from cds_service.cases import fixtures
from cds_service.hooks.service import Service
from cds_service.settings import Settings
from cds_service.web import errors, pages

if TYPE_CHECKING:
    from cds_service.invocation import Runtime

WEB = Path(pages.__file__).parent
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"text": "Ida Example, 60: one thing: another"}],
    "birthDate": "1960-02-29",
}
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "transaction",
    "timestamp": "2020-03-01T12:00:00+00:00",
    "entry": [
        {"resource": PATIENT},
        {
            "resource": {
                "resourceType": "Observation",
                "id": "o",
                "category": [{"coding": [{"code": "laboratory"}]}],
                "effectiveDateTime": "2020-02-28T07:40:00Z",
                "valueQuantity": {"value": 3.0, "unit": "mmol/L"},
                "note": [{"text": "dated 2020-02-28 · and not moved"}],
            }
        },
        {"resource": {"resourceType": "ServiceRequest", "id": "d", "status": "draft"}},
    ],
}
NAMELESS: dict[str, Any] = {
    **BUNDLE,
    "entry": [{"resource": {"resourceType": "Patient", "id": "q"}}],
}


def service(hook: str) -> Service:
    prefetch = {"patient": "Patient/{{context.patientId}}", "laboratory": "Observation"}
    return Service(f"test-{hook}", hook, hook, hook, prefetch)


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    (tmp_path / "patients").mkdir()
    for name, bundle in (("ida", BUNDLE), ("nameless", NAMELESS)):
        (tmp_path / "patients" / f"{name}.json").write_text(json.dumps(bundle), "utf-8")
    services = {one.id: one for one in (service("patient-view"), service("order-sign"))}
    rule = SimpleNamespace(id="r-1", title="A rule", cause="artery", status="retired")
    rule_base = SimpleNamespace(
        version="1",
        services=services,
        services_for=lambda hook: tuple(one for one in services.values() if one.hook == hook),
        rules={"r-1": rule},
        facts={"pulse": SimpleNamespace(name="pulse", label="foot pulse")},
    )
    app = Flask(__name__, static_folder=None)
    errors.register(app)
    runtime = cast("Runtime", SimpleNamespace(rule_base=rule_base))
    app.register_blueprint(pages.blueprint(runtime, tmp_path))
    return app.test_client()


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/demo/patients", "/demo/rules"])
def test_without_demonstration_there_is_no_page(tmp_path: Path, path: str) -> None:
    app = create_app(Settings(audit_db=tmp_path / "audit.sqlite3", demo=False))
    assert app.test_client().get(path).status_code == 404


# --- what the browser may do -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/static/page.js", "/demo/patients", "/demo/requests/ida/patient-view"]
)
def test_every_answer_forbids_what_the_page_does_not_need(client: FlaskClient, path: str) -> None:
    answer = client.get(path, buffered=True)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert set(policy.split("; ")) == {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_holds_no_script_style_or_handler_of_its_own(client: FlaskClient) -> None:
    html = client.get("/").get_data(as_text=True)
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", html) == []


def test_everything_the_page_loads_is_there_and_ours(client: FlaskClient) -> None:
    html = client.get("/").get_data(as_text=True)
    loaded = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', html)
    assert len(loaded) >= 3
    for path in loaded:
        assert path.startswith("/static/")
        assert client.get(path, buffered=True).status_code == 200
    for script in (WEB / "static").glob("*.js"):
        for module in re.findall(r'from "([^"]+)"', script.read_text("utf-8")):
            assert (WEB / "static" / module).is_file()


def test_no_asset_reaches_for_another_host_or_parses_markup() -> None:
    for asset in (WEB / "static").iterdir():
        text = asset.read_text("utf-8")
        assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}, asset.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(", text)


def test_the_page_says_what_it_is_not(client: FlaskClient) -> None:
    html = " ".join(client.get("/").get_data(as_text=True).split())
    assert "For trying out only: not a diagnosis" in html
    assert "Rules are drafts that no clinician has approved" in html


# --- fixture patients ----------------------------------------------------------------------------


def test_patients_are_listed_with_a_line_each(client: FlaskClient) -> None:
    assert client.get("/demo/patients").get_json() == [
        {"name": "ida", "title": "Ida Example, 60", "about": "one thing: another", "drafts": 1},
        {"name": "nameless", "title": "nameless", "about": "", "drafts": 0},
    ]


def test_a_request_is_the_one_of_the_fixture_moved_to_the_present(client: FlaskClient) -> None:
    answer = client.get("/demo/requests/ida/patient-view")
    assert answer.content_type == "application/json"
    made = answer.get_json()
    assert made["hook"] == "patient-view"
    assert made["context"]["patientId"] == "p"
    laboratory = made["prefetch"]["laboratory"]["entry"][0]["resource"]
    taken = datetime.fromisoformat(laboratory["effectiveDateTime"])
    age = datetime.now(UTC) - taken
    written = timedelta(days=2, hours=4, minutes=20)  # how old it was when the fixture was written
    assert written <= age < written + timedelta(days=1)
    assert laboratory["note"][0]["text"] == "dated 2020-02-28 · and not moved"


def test_a_request_keeps_the_digits_and_is_fit_to_be_read(client: FlaskClient) -> None:
    text = client.get("/demo/requests/ida/patient-view").get_data(as_text=True)
    assert '"value": 3.0,\n' in text
    assert "·" in text


def test_every_request_is_an_invocation_of_its_own(client: FlaskClient) -> None:
    path = "/demo/requests/ida/patient-view"
    instances = {client.get(path).get_json()["hookInstance"] for _ in range(3)}
    assert len(instances) == 3


def test_an_order_hook_carries_the_drafts(client: FlaskClient) -> None:
    made = client.get("/demo/requests/ida/order-sign").get_json()
    assert [one["resource"]["id"] for one in made["context"]["draftOrders"]["entry"]] == ["d"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/demo/requests/nobody/patient-view", "there are: ida, nameless"),
        ("/demo/requests/ida/order-dispatch", "there are: order-sign, patient-view"),
        ("/demo/requests/..%2f..%2fpatients%2fida/patient-view", ""),
        ("/demo/requests/ida", ""),
        ("/static/../pages.py", ""),
    ],
)
def test_what_is_not_there_is_an_operation_outcome(client: FlaskClient, path: str, said: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    outcome = answer.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert said in outcome["issue"][0]["diagnostics"]


def test_rules_and_facts_have_names_for_the_table(client: FlaskClient) -> None:
    assert client.get("/demo/rules").get_json() == {
        "rules": {"r-1": {"title": "A rule", "cause": "artery", "status": "retired"}},
        "facts": {"pulse": "foot pulse"},
    }


def test_every_shipped_fixture_has_a_title_and_a_line() -> None:
    folder = content.folder("fhir_fixtures")
    for name in fixtures.names(folder):
        line = pages.described(folder, name)
        assert line["title"]
        assert line["title"] != name
        assert line["about"], name


# --- readable ------------------------------------------------------------------------------------

PAIRS = [
    *(("ink", ground) for ground in ("paper", "surface", "sunken", "tint")),
    *(("soft", ground) for ground in ("paper", "surface", "sunken", "tint")),
    *(("accent", ground) for ground in ("paper", "surface", "tint", "warning-tint")),
    ("on-accent", "accent"),
    *((kind, "surface") for kind in ("info", "warning", "critical")),
    *((kind, f"{kind}-tint") for kind in ("warning", "critical")),
    ("good", "paper"),
    ("good", "surface"),
    ("critical", "paper"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    style = (WEB / "static" / "page.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w{6});", blocks[0]))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): #(\w{6});", blocks[1]))
    poor = {
        (text, ground): round(ratio, 2)
        for text, ground in PAIRS
        if (ratio := _contrast(colours[text], colours[ground])) < 4.5
    }
    assert poor == {}


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
