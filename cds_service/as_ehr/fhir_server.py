"""A FHIR R4 server as its EHR uses it: searches with all their pages, and transactions."""

from urllib.parse import urlsplit, urlunsplit

import msgspec

from cds_service.as_ehr.addresses import printable
from cds_service.as_ehr.calling import Answer, Endpoint, Json
from cds_service.failures import Failure, Kind

_JSON = "application/fhir+json"
_READING = {
    "Accept": _JSON,
    # A server that skips what it does not know would answer about all patients at once.
    "Prefer": "handling=strict",
    # HAPI keeps a search's result for a minute; here somebody edits and asks again.
    "Cache-Control": "no-cache",
}
_WRITING = {"Accept": _JSON, "Content-Type": _JSON}
MOST_PAGES = 40
_UNAUTHORIZED = 401
_EXAMPLE = "a base URL is like http://127.0.0.1:8081/fhir or https://hapi.fhir.org/baseR4"


class Found(msgspec.Struct, frozen=True):
    """What a query brought: a resource, or a Bundle with the entries of all pages; None when refused.

    Attributes:
        body: the answer; with a `next` link left in it where pages are missing.
        pages: how many there were.
        why: why it was refused, or why pages are missing; empty when all is well.
    """

    body: Json | None
    pages: int = 0
    why: str = ""

    @property
    def entries(self) -> int:
        """How many entries, or 1 for a resource."""
        if self.body is None:
            return 0
        return len(self.body.get("entry", ())) if self.body.get("resourceType") == "Bundle" else 1


class FhirServer:
    """One server, by its base URL."""

    def __init__(self, base: str, token: str = "") -> None:
        """Take the base URL without a last slash, and the token that it wants."""
        self.base = base
        self._endpoint = Endpoint(base, token)

    def introduced(self) -> str:
        """The server's name and version, once it has been seen that it is one, of FHIR R4.

        Raises:
            Failure: unavailable or incorrect, saying what answers there instead.
        """
        found = self._endpoint.call("GET", f"{self.base}/metadata", {"Accept": _JSON})
        if found.status == _UNAUTHORIZED:
            raise Failure(
                Kind.UNAUTHENTICATED,
                "the FHIR server wants a token",
                where=self.base,
                todo="put it into CDS_FHIR_TOKEN or a file (--token-file)",
            )
        if not found.well or found.body.get("resourceType") != "CapabilityStatement":
            said = found.said or f"{printable(str(found.body.get('resourceType', 'other JSON')))}"
            raise Failure(
                Kind.UNAVAILABLE,
                f"is no FHIR server: /metadata answers {said}",
                where=self.base,
                todo=_EXAMPLE,
            )
        version = str(found.body.get("fhirVersion", "no version"))
        if not version.startswith("4.0"):
            raise Failure(
                Kind.INCORRECT, f"speaks FHIR {printable(version)}, and this is R4", where=self.base
            )
        software = found.body.get("software")
        words = software if isinstance(software, dict) else {}
        name = f"{words.get('name') or 'a FHIR server'} {words.get('version') or ''}".strip()
        return f"{printable(name)}, FHIR {printable(version)}"

    def read(self, query: str) -> Found:
        """What a read (`Patient/1`) or a search (`Condition?patient=1`) brings, all pages in one."""
        first = self._endpoint.call("GET", f"{self.base}/{query}", _READING)
        if not first.well:
            return Found(None, why=first.said)
        if first.body.get("resourceType") != "Bundle":
            return Found(first.body, 1)
        entries, pages, page, why = [*first.body.get("entry", ())], 1, first.body, ""
        while further := _next(page):
            answer = self._further(further) if pages < MOST_PAGES else None
            if answer is None or not answer.well:
                why = f"page {pages + 1}: {answer.said if answer else 'there is no end to them'}"
                break
            page = answer.body
            pages += 1
            entries += page.get("entry", ())
        links = [one for one in first.body.get("link", ()) if one.get("relation") != "next"]
        if why:
            links.append({"relation": "next", "url": further})
        return Found({**first.body, "link": links, "entry": entries}, pages, why)

    def _further(self, url: str) -> Answer:
        """A further page, on the server's own origin: behind a proxy `next` may name another host."""
        own, there = urlsplit(self.base), urlsplit(url)
        here = urlunsplit((own.scheme, own.netloc, there.path, there.query, ""))
        return self._endpoint.call("GET", here, _READING)

    def send(self, bundle: Json) -> Answer:
        """Post a transaction or a batch to the root."""
        return self._endpoint.call("POST", self.base, _WRITING, bundle)


def _next(page: Json) -> str:
    links = page.get("link")
    for one in links if isinstance(links, list) else ():
        if isinstance(one, dict) and one.get("relation") == "next":
            return str(one.get("url", ""))
    return ""
