"""Why something did not arrive, or not whole: the closed set of words for it.

They stand in `not-read` on a response, in the audit and in the log, so each is a word of ours and holds
nothing of a request. docs/fetching.md explains those of fetching to an operator.
"""

from collections.abc import Mapping
from enum import StrEnum


class Absence(StrEnum):
    """A reason; one list may have one of them."""

    # What a request brought, or did not (hooks/prefetch.py).
    NOT_DELIVERED = "not-delivered"
    OUTSIDE = "outside-any-encounter"
    CLIENT_ERROR = "client-error"
    UNREADABLE = "unreadable"
    UNPUBLISHED = "not-a-published-key"
    UNREADABLE_RESOURCE = "unreadable-resource"
    MORE_PAGES = "more-pages"
    CUT = "cut-by-count"
    LIMITED = "limited-by-date"
    FEWER = "fewer-than-total"
    NO_LIST = "no-list"
    CONTAINED = "contained-subject"
    UNCLEAR = "unclear-subject"
    OTHER_ENCOUNTER = "other-encounter"
    OTHER_PATIENT = "other-patient"
    REASON_NOT_DELIVERED = "reason-not-delivered"

    # Not in prefetch, and not asked for (ehr).
    NO_SERVER = "no-fhir-server"
    NOT_ALLOWED = "server-not-allowed"
    EXPIRED = "token-expired"
    BAD_TOKEN = "token-unusable"  # noqa: S105 - a word
    NO_VALUE = "no-value-for-query"

    # Asked for, and nobody answered.
    NO_SUCH_NAME = "name-not-resolved"
    BAD_ADDRESS = "address-refused"
    UNREACHABLE = "unreachable"
    BAD_CERTIFICATE = "certificate-refused"
    OUT_OF_TIME = "out-of-time"
    BROKEN_OFF = "broken-off"

    # Answered, and not with the data.
    NOT_AUTHORISED = "not-authorised"
    NOT_FOUND = "not-found"
    QUERY_REFUSED = "query-refused"
    BUSY = "server-busy"
    SERVER_ERROR = "server-error"
    REDIRECTED = "redirected"
    TOO_LARGE = "too-large"
    NOT_FHIR = "not-fhir"
    ERROR_OUTCOME = "error-outcome"
    FAULT = "fault"

    # Answered with some pages and not with all.
    PAGE_EXPIRED = "page-expired"
    PAGE_ELSEWHERE = "page-elsewhere"
    PAGE_AGAIN = "page-again"
    TOO_MANY_PAGES = "too-many-pages"


# Of what was fetched or could not be: in the words of a 412, after "this is necessary, and".
MEANINGS: Mapping[Absence, str] = {
    Absence.NO_SERVER: "the request names no fhirServer to fetch it from",
    Absence.NOT_ALLOWED: "the fhirServer of the request is none that may be asked for this client",
    Absence.EXPIRED: "the access token of the request has expired, so nothing was fetched",
    Absence.BAD_TOKEN: "the access token of the request is no bearer token, so nothing was fetched",
    Absence.NO_VALUE: "the context lacks a usable value for its query",
    Absence.NO_SUCH_NAME: "the host name of the fhirServer could not be resolved",
    Absence.BAD_ADDRESS: "the host of the fhirServer has an address that may not be asked",
    Absence.UNREACHABLE: "the fhirServer could not be reached",
    Absence.BAD_CERTIFICATE: "the certificate of the fhirServer is not trusted",
    Absence.OUT_OF_TIME: "the fhirServer did not answer in the time there is",
    Absence.BROKEN_OFF: "the answer of the fhirServer broke off",
    Absence.NOT_AUTHORISED: "the fhirServer refused the access token, or a call without one (401, 403)",
    Absence.NOT_FOUND: "the fhirServer does not have it (404, 410)",
    Absence.QUERY_REFUSED: "the fhirServer refused the query (4xx)",
    Absence.BUSY: "the fhirServer was busy (429, 502, 503), also when asked again",
    Absence.SERVER_ERROR: "the fhirServer failed (5xx)",
    Absence.REDIRECTED: "the fhirServer redirected the query, and redirects are not followed",
    Absence.TOO_LARGE: "the answer of the fhirServer is larger than is read",
    Absence.NOT_FHIR: "the answer of the fhirServer is no FHIR JSON",
    Absence.OTHER_PATIENT: "the fhirServer answered with another Patient",
    Absence.ERROR_OUTCOME: "the fhirServer answered with an error in an OperationOutcome",
    Absence.FAULT: "fetching it failed within the service",
    Absence.PAGE_EXPIRED: "a further page had expired, also when the search was made again",
    Absence.PAGE_ELSEWHERE: "a further page is not below the fhirServer",
    Absence.PAGE_AGAIN: "a further page led back to one that was read",
    Absence.TOO_MANY_PAGES: "there are more pages than are read",
}

# Nobody was asked, or the server does not offer it: what was never on offer was not lost on the way.
NOT_ON_OFFER = frozenset(
    {
        Absence.NOT_DELIVERED,
        Absence.NO_SERVER,
        Absence.NOT_ALLOWED,
        Absence.EXPIRED,
        Absence.BAD_TOKEN,
        Absence.NO_VALUE,
        Absence.NOT_AUTHORISED,
        Absence.NOT_FOUND,
        Absence.QUERY_REFUSED,
    }
)
