"""What HAPI FHIR servers are known to do, and other servers within their rights.

Each maker of a habit returns what `FaultProxy.behave` takes; state is of one `behave`.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import msgspec

from tests.ehr_client.canned import is_laboratory, searchset
from tests.ehr_client.fault_proxy import Answer, Asked, Habit, Upstream, Wire

Json = dict[str, Any]
PAGE = 20  # HAPI's default


class Paging(msgspec.Struct, frozen=True):
    """How a server pages: HAPI 7 as its `next` links are (`_getpages`, on the root).

    Attributes:
        size: entries of a page.
        origin: scheme, host and port that links name; empty for the ones that were asked.
        total: `right`, `absent`, or a number.
        expired: so many requests for a further page are answered with 410.
        ends: how the last page behaves: `well`, `empty` (offers another one, which is empty), `again`
            (offers the second one again), `never` (the first page for ever, each time at another
            address) or `grows` (new entries for ever).
        root: where links lead, below the origin.
    """

    size: int = PAGE
    origin: str = ""
    total: str = "right"
    expired: int = 0
    ends: str = "well"
    root: str = "/fhir"


class _Pages:
    """The searches of one server, and their pages."""

    def __init__(self, how: Paging, base: str) -> None:
        self._how = how
        self._base = base
        self._kept: dict[str, Json] = {}
        self._expired = how.expired

    def answer(self, asked: Asked, upstream: Upstream, _: Wire) -> Answer | None:
        parameters = asked.parameters
        if "_getpages" in parameters:
            if self._expired:
                self._expired -= 1
                return gone()
            return self._page(parameters["_getpages"], int(parameters["_getpagesoffset"]))
        found = upstream(asked)
        whole = json.loads(found.body)
        if found.status != 200 or whole["resourceType"] != "Bundle":
            return found
        name = str(uuid4())
        self._kept[name] = whole
        return self._page(name, 0)

    def _page(self, name: str, offset: int) -> Answer:
        whole, how = self._kept[name], self._how
        cut = self._cut(whole.get("entry", []), offset)
        link = [{"relation": "self", "url": self._base}]
        following = self._following(len(whole.get("entry", [])), bool(cut), offset)
        if following:
            link.append(self._link(name, following))
        made = {**whole, "entry": cut, "link": link}
        if how.total == "absent":
            made.pop("total", None)
        elif how.total != "right":
            made["total"] = int(how.total)
        return Answer(body=json.dumps(made).encode())

    def _cut(self, entries: list[Json], offset: int) -> list[Json]:
        size = self._how.size
        if self._how.ends == "never":
            return entries[:size]
        if self._how.ends == "grows":
            return [_renamed(one, offset) for one in entries[:size]]
        return entries[offset : offset + size]

    def _following(self, entries: int, any_here: bool, offset: int) -> int:
        """Where the next page begins; 0 when there is none."""
        further = offset + self._how.size
        if self._how.ends == "again" and further >= entries:
            return self._how.size
        offered = self._how.ends in ("never", "grows") or (self._how.ends == "empty" and any_here)
        return further if offered or further < entries else 0

    def _link(self, name: str, offset: int) -> Json:
        origin = self._how.origin or self._base.removesuffix("/fhir")
        query = f"_getpages={name}&_getpagesoffset={offset}&_count={self._how.size}&_pretty=true"
        return {
            "relation": "next",
            "url": f"{origin}{self._how.root}?{query}&_bundletype=searchset",
        }


def paging(how: Paging, base: str) -> Habit:
    """Return a habit that cuts every search into pages."""
    return _Pages(how, base).answer


def _renamed(entry: Json, offset: int) -> Json:
    identity = f"{entry['resource']['id']}-{offset}"
    return {
        **entry,
        "resource": {**entry["resource"], "id": identity},
        "fullUrl": f"{entry['fullUrl']}-{offset}",
    }


def gone() -> Answer:
    """Return HAPI's answer about a page that has expired."""
    return outcome(410, "HAPI-0417: Search ID does not exist and may have expired")


def outcome(status: int, text: str) -> Answer:
    """Return an error as HAPI writes one."""
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return Answer(status, json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode())


def instead(answer: Answer, times: int = 10**6) -> Habit:
    """Return a habit that answers the laboratory query with something else, so many times."""
    left = [times]

    def habit(asked: Asked, upstream: Upstream, _: Wire) -> Answer | None:
        if is_laboratory(asked) and left[0]:
            left[0] -= 1
            return answer
        return upstream(asked)

    return habit


def everywhere(answer: Answer) -> Habit:
    """Return a habit that answers everything with the same."""
    return lambda *_: answer


def changed(change: Callable[[Json], Json]) -> Habit:
    """Return a habit that changes the Bundle of laboratory results."""

    def habit(asked: Asked, upstream: Upstream, _: Wire) -> Answer | None:
        found = upstream(asked)
        if not is_laboratory(asked):
            return found
        return Answer(body=json.dumps(change(json.loads(found.body))).encode())

    return habit


def cached() -> Habit:
    """Return a habit that answers from a list without the newest result, but for `no-cache`."""

    def habit(asked: Asked, upstream: Upstream, _: Wire) -> Answer | None:
        if not is_laboratory(asked) or asked.headers.get("cache-control") == "no-cache":
            return upstream(asked)
        whole = json.loads(upstream(asked).body)
        return Answer(body=json.dumps({**whole, "entry": whole["entry"][1:]}).encode())

    return habit


def strict(asked: Asked, upstream: Upstream, _: Wire) -> Answer | None:
    """Refuse to sort laboratory results, as a server does that does not know how (400)."""
    if is_laboratory(asked) and "_sort" in parse_qs(urlsplit(asked.target).query):
        return outcome(
            400, 'HAPI-0524: Unknown search parameter "_sort" for resource type "Observation"'
        )
    return upstream(asked)


def with_outcomes(severity: str) -> Callable[[Json], Json]:
    """Return a change that adds an OperationOutcome to a Bundle, as `mode=outcome` (and an include)."""

    def change(whole: Json) -> Json:
        said = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "value"}]}
        device = {"resourceType": "Practitioner", "id": "p-1"}
        more = [
            {"resource": said, "search": {"mode": "outcome"}},
            {"resource": device, "search": {"mode": "include"}},
        ]
        return {**whole, "entry": [*more, *whole["entry"]]}

    return change


def of_everybody(whole: Json) -> Json:
    """Add results of another patient, as a server does that skips a parameter."""
    others = [
        {**entry["resource"], "id": f"other-{number}", "subject": {"reference": "Patient/other"}}
        for number, entry in enumerate(whole["entry"][:3])
    ]
    return {**whole, "entry": [*searchset(others)["entry"], *whole["entry"]]}
