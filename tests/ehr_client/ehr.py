"""An EHR as far as CDS Hooks sees one: it knows the specification and two addresses, and nothing of us.

It reads discovery, fills the published prefetch templates, asks its own FHIR server for each, follows
the pages, and posts the hook request. It imports nothing of the service.
"""

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import msgspec
import requests

Json = dict[str, Any]
TOKEN = re.compile(r"\{\{([^{}]+)\}\}")
JSON = "application/fhir+json"
MOST_PAGES = 100
PATIENCE = 20  # seconds
exact = msgspec.json.Encoder(decimal_format="number")  # R4: 1.40 is no 1.4
# R4 lets these be searched by `patient`, and HAPI does; sekmet 0.1.1 has no search parameter for them at
# all. There every one is read, and the patient's own are kept, the newest first.
# Any other query that a server does not take is an error here: the template may be to blame.
UNSEARCHABLE = frozenset({"DeviceRequest", "QuestionnaireResponse"})


class RefusedError(Exception):
    """The FHIR server does not answer a query."""


class NotSearchableError(RefusedError):
    """The FHIR server does not know a parameter of a query."""


class Ehr:
    """An EHR with its FHIR server."""

    def __init__(
        self, fhir: str, discovery: str, *, page: int = 0, by_post: bool = False, afresh: bool = False
    ) -> None:
        """Take the two addresses.

        Args:
            fhir: base of the FHIR server, without a last slash.
            discovery: `{base}/cds-services` of the service.
            page: cut pages to this many entries, as servers do that cap `_count`; 0 asks for what
                the template says.
            by_post: search by POST to `Type/_search`, every value encoded, as the sandbox does.
            afresh: ask a server that keeps the results of searches for a while (HAPI: 60 s) to search
                again.
        """
        self.fhir = fhir
        self.named = fhir  # what requests call it
        self.discovery = discovery
        self.page = page
        self.by_post = by_post
        self.afresh = afresh
        self.pages = 0  # that were got by following a `next`
        self.worked_around: dict[str, str] = {}  # resource type → what the server said it cannot do
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy: nothing here leaves loopback
        self._kept: dict[str, Json] = {}

    # --- the service -----------------------------------------------------------------------------

    def services(self) -> list[Json]:
        """Return the services by discovery."""
        found: list[Json] = self._json(self._http.get(self.discovery, timeout=PATIENCE))["services"]
        return found

    def call(self, service: Json, context: Json, prefetch: Json | None, now: str = "") -> Json:
        """Post a hook request and return the response; without `prefetch` the service has to fetch."""
        body: Json = {
            "hook": service["hook"],
            "hookInstance": str(uuid4()),
            "fhirServer": self.named,
            "context": context,
        }
        if prefetch is not None:
            body["prefetch"] = prefetch
        if now:
            body["extension"] = {"org.heavylegs.now": now}
        return self._json(
            self._http.post(
                f"{self.discovery}/{service['id']}",
                exact.encode(body),
                headers={"Content-Type": "application/json"},
                timeout=PATIENCE,
            )
        )

    def context(self, hook: str, patient: str) -> Json:
        """Return what the hook's context says about a chart that is open in this EHR."""
        context: Json = {"userId": "Practitioner/example", "patientId": patient}
        visits = self.found(f"Encounter?patient={quote(patient)}&status=in-progress")
        if hook == "encounter-start" and not visits:  # a stay that is over, looked at as it began
            visits = self.found(f"Encounter?patient={quote(patient)}&_sort=-date")
        if visits:
            context["encounterId"] = visits[0]["id"]
        if hook in ("order-select", "order-sign"):
            drafts = [
                one
                for kind in ("DeviceRequest", "MedicationRequest", "ServiceRequest")
                for one in self.found(f"{kind}?patient={quote(patient)}&status=draft")
            ]
            context["draftOrders"] = {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": one} for one in drafts],
            }
            if hook == "order-select":
                context["selections"] = [f"{one['resourceType']}/{one['id']}" for one in drafts]
        return context

    def prefetch(self, service: Json, context: Json) -> Json:
        """Return the answer to every template that can be filled; the other keys are left out."""
        answers = {}
        for key, template in service["prefetch"].items():
            query = filled(template, context)
            if query is not None:
                answers[key] = self.asked(query)
        return answers

    # --- the FHIR server ---------------------------------------------------------------------------

    def load(self, bundle: Json) -> Json:
        """Post a transaction or batch Bundle to the server's root; return its response."""
        headers = {"Content-Type": JSON, "Accept": JSON}
        found = self._http.post(self.fhir, exact.encode(bundle), headers=headers, timeout=PATIENCE)
        if not found.ok:
            raise RefusedError(found.text)
        return self._json(found)

    def load_what_it_takes(self, bundle: Json) -> dict[str, str]:
        """Load a transaction; return what was refused: `Type/id` → what the server said.

        What is refused as a whole is sent again as a batch, so that only what is wrong in it is left
        out; and where a server does not read a body with a wrong resource in it, one by one.
        """
        try:
            self.load(bundle)
        except RefusedError:
            pass
        else:
            return {}
        refused: dict[str, str] = {}
        try:
            answer = self.load({**bundle, "type": "batch"})
        except RefusedError:
            for one in bundle["entry"]:
                where, headers = f"{self.fhir}/{one['request']['url']}", {"Content-Type": JSON}
                resource = exact.encode(one["resource"])
                found = self._http.put(where, resource, headers=headers, timeout=PATIENCE)
                if not found.ok:
                    refused[one["request"]["url"]] = found.text
            return refused
        for sent, got in zip(bundle["entry"], answer["entry"], strict=True):
            if not got["response"]["status"].startswith("20"):
                refused[sent["request"]["url"]] = str(got["response"].get("outcome", got))
        return refused

    def found(self, query: str) -> list[Json]:
        """Return the matches of a search."""
        entries = self.asked(query).get("entry", [])
        return [one["resource"] for one in entries if one.get("search", {}).get("mode") != "outcome"]

    def asked(self, query: str) -> Json:
        """Return the answer to a read or a search, all pages in one Bundle; asked once for a chart."""
        if query not in self._kept:
            self._kept[query] = self._whole(query)
        return self._kept[query]

    def first_page(self, query: str) -> Json:
        """Return one page of a search and no more, its links as they are."""
        return self._get(f"{self.fhir}/{query}")

    def _whole(self, query: str) -> Json:
        searched, _, parameters = query.partition("?")
        try:
            return self._pages(query)
        except NotSearchableError as error:
            if searched not in UNSEARCHABLE:
                raise
            self.worked_around[searched] = str(error)
        asked = parse_qs(parameters)
        patient, statuses = f"Patient/{asked['patient'][0]}", asked.get("status")
        everyone = self._pages(f"{searched}?_count=50")
        own = [
            one
            for one in everyone.get("entry", [])
            if one["resource"]["subject"]["reference"] == patient
            and (statuses is None or one["resource"]["status"] in statuses)
        ]
        own.sort(key=lambda one: str(one["resource"].get("authored", "")), reverse=True)
        return {**everyone, "total": len(own), "entry": own}

    def _pages(self, query: str) -> Json:
        if self.page:
            query = re.sub(r"(?<=[?&]_count=)\d+", str(self.page), query)
        first = page = self._get(f"{self.fhir}/{query}")
        if first.get("resourceType") != "Bundle":
            return first
        entries = list(first.get("entry", []))
        for _ in range(MOST_PAGES):
            further = next(
                (one["url"] for one in page.get("link", ()) if one["relation"] == "next"), None
            )
            if further is None:
                own = [one for one in first.get("link", ()) if one["relation"] == "self"]
                return {**first, "link": own, "entry": entries}
            page = self._get(self._here(further), further=True)
            self.pages += 1
            entries += page.get("entry", [])
        raise RefusedError(f"more than {MOST_PAGES} pages: {query}")

    def _here(self, url: str) -> str:
        """A further page's address, on our own server: behind a proxy `next` may name another host."""
        origin, there = urlsplit(self.fhir), urlsplit(url)
        return urlunsplit((origin.scheme, origin.netloc, there.path, there.query, ""))

    def _get(self, url: str, *, further: bool = False) -> Json:
        # Strict: a server that skips a parameter it does not know answers about all patients at once.
        headers = {"Accept": JSON, "Prefer": "handling=strict"}
        if self.afresh:
            headers["Cache-Control"] = "no-cache"
        where, _, parameters = url.partition("?")
        if self.by_post and parameters and not further:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            form = urlencode(sorted(parse_qsl(parameters)))  # commas become %2C
            found = self._http.post(f"{where}/_search", form, headers=headers, timeout=PATIENCE)
        else:
            found = self._http.get(url, headers=headers, timeout=PATIENCE)
        if found.status_code == requests.codes.bad_request:
            raise NotSearchableError(f"400 for {url}: {found.text}")
        return self._json(found)

    @staticmethod
    def _json(found: requests.Response) -> Json:
        if not found.ok:
            raise RefusedError(f"{found.status_code} from {found.url}: {found.text}")
        value: Json = json.loads(found.content, parse_float=Decimal)
        return value


def filled(template: str, context: Json) -> str | None:
    """Return a template with its tokens filled in and encoded; None when one of them has no value."""
    tokens = TOKEN.findall(template)
    values = {token: context.get(token.removeprefix("context.")) for token in tokens}
    if not all(isinstance(value, str) and value for value in values.values()):
        return None
    return TOKEN.sub(lambda token: quote(str(values[token[1]]), safe=""), template)
