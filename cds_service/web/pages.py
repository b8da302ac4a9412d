"""The page to try the service on, in demonstration mode only.

One HTML page, its assets, and the fixture patients it offers; it calls the service as an EHR would.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from flask import Blueprint, Response, render_template

import cds_service
from cds_service.cases import fixtures
from cds_service.failures import Failure, Kind
from cds_service.invocation import Runtime
from cds_service.rulebase.model import RuleBase

# Nothing but our own files, no inline script or style, no frame around it: what a record holds can
# then neither run nor call out, even if the drawing of a card had a fault.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_ORDERS = ("ServiceRequest", "MedicationRequest", "DeviceRequest")


def blueprint(runtime: Runtime, fixtures_folder: Path) -> Blueprint:
    """The routes of the page, bound to the rule base and to the folder of fixtures."""
    routes = Blueprint(
        "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
    )
    rules = msgspec.json.encode(_rules(runtime.rule_base))

    @routes.get("/")
    def page() -> str:
        return render_template(
            "page.html", rule_base=runtime.rule_base.version, version=cds_service.__version__
        )

    @routes.get("/demo/patients")
    def patients() -> Response:
        listed = [described(fixtures_folder, name) for name in fixtures.names(fixtures_folder)]
        return _json(msgspec.json.encode(listed))

    @routes.get("/demo/requests/<patient>/<hook>")
    def hook_request(patient: str, hook: str) -> Response:
        bundle = fixtures.load(fixtures_folder, patient)
        services = runtime.rule_base.services_for(hook)
        if not services:
            hooks = sorted({service.hook for service in runtime.rule_base.services.values()})
            raise Failure(
                Kind.NOT_FOUND,
                f"no service answers the hook {hook!r}",
                todo="there are: " + ", ".join(hooks),
            )
        made = fixtures.hook_request(
            fixtures.shifted(bundle, datetime.now(UTC)), services[0], instance=str(uuid4())
        )
        # Indented, because people read it: the page shows this text and sends it as it stands.
        return _json(msgspec.json.format(fixtures.encoded(made), indent=2))

    @routes.get("/demo/rules")
    def rule_titles() -> Response:
        return _json(rules)

    @routes.after_request
    def _guard(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    return routes


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")


def _rules(rule_base: RuleBase) -> dict[str, Any]:
    """What the evaluation's identifiers are called: rules, and the facts they miss."""
    return {
        "rules": {
            rule.id: {"title": rule.title, "cause": rule.cause, "status": rule.status}
            for rule in rule_base.rules.values()
        },
        "facts": {fact.name: fact.label for fact in rule_base.facts.values()},
    }


def described(folder: Path, name: str) -> dict[str, Any]:
    """One line of the list: who it is, what is the matter, and how many orders are being placed."""
    found = list(fixtures.resources(fixtures.load(folder, name)))
    patient = next((one for one in found if one.get("resourceType") == "Patient"), {})
    title, _, about = _called(patient).partition(": ")
    drafts = [
        one for one in found if one.get("status") == "draft" and one.get("resourceType") in _ORDERS
    ]
    return {"name": name, "title": title or name, "about": about, "drafts": len(drafts)}


def _called(patient: Mapping[str, Any]) -> str:
    """A fixture patient's name as text: `Ada Example, 68: heavy legs when walking`."""
    names = patient.get("name")
    first = names[0] if isinstance(names, list) and names else {}
    parts = [*first.get("given", []), first.get("family", "")]
    return str(first.get("text") or " ".join(part for part in parts if part))
