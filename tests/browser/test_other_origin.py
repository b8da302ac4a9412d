"""A page of another origin calls the service, in a browser that enforces CORS: requirements 60, 72, 83.

Nothing here intercepts a request: whoever does so answers the preflights himself. Another port of
loopback is another origin.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from selenium import webdriver

from cds_service.audit import reading
from tests.browser.serving import Service, running

pytestmark = [pytest.mark.server, pytest.mark.requirement(60, 72, 83)]

HERE = Path(__file__).parent
CALL = "call(arguments[0], arguments[1], arguments[2]).then(arguments[3]);"
Call = Callable[..., dict[str, Any]]


class Quiet(SimpleHTTPRequestHandler):
    """Serves this folder and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve the page; its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HERE))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def ehr() -> Iterator[str]:
    """Return the origin of an EHR's page."""
    with serving() as origin:
        yield origin


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    """Return the origin of somebody else's page."""
    with serving() as origin:
        yield origin


def calls_from(browser: webdriver.Chrome, origin: str) -> Call:
    """Open the page of an origin; the function by which it calls."""
    browser.get(f"{origin}/other_origin.html")
    browser.set_script_timeout(20)
    assert browser.execute_script("return location.origin") == origin

    def call(method: str, url: str, body: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = browser.execute_async_script(CALL, method, url, body)
        return found

    return call


def hook_request(service: Service) -> str:
    return requests.get(f"{service.base}demo/requests/k-2-4/patient-view", timeout=10).text


def preflights(browser: webdriver.Chrome) -> list[tuple[str, str]]:
    """The preflights that the browser sent: path, and the method it asked about."""
    found = []
    for entry in browser.get_log("performance"):  # type: ignore[no-untyped-call]
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked = message["params"]["request"]
            if asked["method"] == "OPTIONS":
                headers = {name.lower(): value for name, value in asked["headers"].items()}
                found.append((urlsplit(asked["url"]).path, headers["access-control-request-method"]))
    return found


@pytest.mark.requirement(4, 25, 45, 71, 78)
@pytest.mark.parametrize("slash", ["", "/"])
def test_discovery_hook_and_feedback_from_another_origin(
    own_service: Service, browser: webdriver.Chrome, ehr: str, slash: str
) -> None:
    call = calls_from(browser, ehr)
    discovery = f"{own_service.base}cds-services{slash}"
    found = call("GET", discovery)
    assert found["status"] == 200, found
    services = json.loads(found["text"])["services"]
    (service,) = (one for one in services if one["hook"] == "patient-view")

    at = f"{discovery}/{service['id']}"
    found = call("POST", at, hook_request(own_service))
    assert found["status"] == 200, found
    card = json.loads(found["text"])["cards"][0]
    assert card["indicator"] == "critical"
    assert "2.4 mmol/L" in card["summary"]

    when = "2026-11-22T12:00:31Z"
    taken = {"id": card["suggestions"][0]["uuid"]}
    said = [
        {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": when},
        {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": when}
        | {"acceptedSuggestions": [taken]},
    ]
    for one in said:
        found = call("POST", f"{at}/feedback", json.dumps({"feedback": [one]}))
        assert (found["status"], found["text"]) == (200, "{}")

    path = urlsplit(at).path
    asked = preflights(browser)
    assert {(urlsplit(discovery).path, "GET"), (path, "POST"), (f"{path}/feedback", "POST")} <= set(
        asked
    )


@pytest.mark.requirement(11, 12, 15, 26, 81)
@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("cds-services/heavy-legs-patient-view", "{", 400, "JSON"),
        ("cds-services/heavy-legs-patient-view", '{"hook": "patient-view"}', 400, "hookInstance"),
        ("cds-services/heavy-legs-patient-view/feedback", '{"feedback": []}', 400, "feedback"),
        ("cds-services/unheard-of", "{}", 404, "heavy-legs-patient-view"),
        ("nowhere", "{}", 404, "cds-services"),
    ],
)
def test_the_page_can_read_what_is_wrong(
    service: Service, browser: webdriver.Chrome, ehr: str, path: str, body: str, status: int, says: str
) -> None:
    found = calls_from(browser, ehr)("POST", service.base + path, body)
    assert found["status"] == status, found
    outcome = json.loads(found["text"])
    assert outcome["resourceType"] == "OperationOutcome"
    assert says in json.dumps(outcome["issue"])


def test_the_page_can_read_that_data_are_missing(
    service: Service, browser: webdriver.Chrome, ehr: str
) -> None:
    whole = json.loads(hook_request(service))
    del whole["prefetch"]
    at = f"{service.base}cds-services/heavy-legs-patient-view"
    found = calls_from(browser, ehr)("POST", at, json.dumps(whole))
    assert found["status"] == 412
    assert "patient" in json.loads(found["text"])["issue"][0]["diagnostics"]


def test_only_the_origins_that_are_named_may_call(
    tmp_path: Path, browser: webdriver.Chrome, ehr: str, stranger: str
) -> None:
    with running(tmp_path, CDS_ORIGINS=f"https://other.example {ehr}") as service:
        at = f"{service.base}cds-services/heavy-legs-patient-view"
        calls = [
            ("GET", f"{service.base}cds-services", None),
            ("POST", at, hook_request(service)),
            ("POST", at, "{"),
        ]
        named = calls_from(browser, ehr)
        assert [named(*one).get("status") for one in calls] == [200, 200, 400]
        other = calls_from(browser, stranger)
        assert ["blocked" in other(*one) for one in calls] == [True, True, True]
        # Nothing of the stranger's came through: a preflight that is refused is all there is.
        kinds = [row.event["kind"] for row in reading.tail(service.audit, 10)]
        assert [one for one in kinds if one != "configured"] == ["answered", "refused"]


def test_this_browser_does_enforce_cors(browser: webdriver.Chrome, ehr: str, stranger: str) -> None:
    # Else nothing above would prove anything: a server that says nothing of CORS cannot be read.
    assert "blocked" in calls_from(browser, ehr)("GET", f"{stranger}/other_origin.html")
