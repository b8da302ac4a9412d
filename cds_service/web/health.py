"""Is the process alive, can it answer: for whoever watches over it.

No authentication, no audit, no rate, no CORS; and no word about versions, paths or reasons, which are in
the log. Not a probe of the EHR: a hospital's server that is down makes no process of ours unfit.
"""

import logging
import threading
import time
from datetime import UTC, datetime

import msgspec
from flask import Blueprint, Response, request

from cds_service.deadline import STOPPING
from cds_service.decision import answer
from cds_service.failures import Failure
from cds_service.fhir.evidence import Evidence
from cds_service.hooks.request import Question
from cds_service.invocation import Runtime
from cds_service.presentation.suppression import History
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Policy

_log = logging.getLogger(__name__)
_FRESH = 1.0  # seconds for which a check of the database counts: probes must not hold up the writing


def blueprint(runtime: Runtime) -> Blueprint:
    """The two addresses."""
    routes = Blueprint("health", __name__)
    checks = Checks(runtime)

    @routes.get("/healthz")
    def alive() -> Response:
        return _said(200, {"status": "alive"})

    @routes.get("/readyz")
    def ready() -> Response:
        if request.environ.get(STOPPING):
            return _said(503, {"status": "stopping"})
        found = {"database": checks.database(), "rules": checks.rules()}
        fit = all(found.values())
        words = {name: "ok" if good else "failed" for name, good in found.items()}
        return _said(200 if fit else 503, {"status": "ready" if fit else "not ready", "checks": words})

    return routes


class Checks:
    """What was found, and when; what has changed since is logged once."""

    def __init__(self, runtime: Runtime) -> None:
        """Begin with nothing found."""
        self._runtime = runtime
        self._lock = threading.Lock()
        self._looked = 0.0
        self._writable = False
        self._said = ""
        self._works: RuleBase | None = None

    def database(self) -> bool:
        """Whether the audit database can be written: without it no call is answered."""
        with self._lock:
            if not self._looked or time.monotonic() - self._looked > _FRESH:
                self._writable = self._is_writable()
                self._looked = time.monotonic()
            return self._writable

    def rules(self) -> bool:
        """Whether the rule base in force can decide; looked at once for each."""
        found = self._rule_base()
        if found is not None and found is not self._works and _works(found):
            self._works = found
        return found is not None and found is self._works

    def _is_writable(self) -> bool:
        try:
            self._runtime.audit.probe()
        except Failure as failure:
            if str(failure) != self._said:
                _log.error("not ready: %s", failure)
            self._said = str(failure)
            return False
        if self._said:
            _log.warning("ready again: the audit log can be written")
        self._said = ""
        return True

    def _rule_base(self) -> RuleBase | None:
        anyone = next(iter(self._runtime.clients.everybody), None)
        return anyone.rule_base if anyone is not None else None


def _works(rule_base: RuleBase) -> bool:
    """Whether a question can be decided: that of a patient of whom nothing is known."""
    if not rule_base.rules or not rule_base.services:
        return False
    service = next(iter(rule_base.services.values()))
    question = Question(service.id, service.hook, "", "")
    try:
        decided = answer(question, Evidence({}), rule_base, datetime.now(UTC), UTC, History(), Policy())
    except Exception as error:  # noqa: BLE001 - whatever it is, no call could be answered
        _log.error("not ready: nothing can be decided (%s)", type(error).__name__)
        return False
    return any(finding.outcome != "failed" for finding in decided.findings)


def _said(status: int, what: object) -> Response:
    return Response(msgspec.json.encode(what), status, mimetype="application/json")
