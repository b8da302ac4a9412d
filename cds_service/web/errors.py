"""Failure kind → HTTP status and OperationOutcome: the one table, and the one form of an error."""

from collections.abc import Mapping

import msgspec
from flask import Flask, Response, current_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from cds_service.failures import Failure, Kind
from cds_service.settings import BODY_LIMIT
from cds_service.web.rates import TooMany

# kind → (status, FHIR issue type); https://hl7.org/fhir/R4/valueset-issue-type.html
TABLE: Mapping[Kind, tuple[int, str]] = {
    Kind.INCORRECT: (400, "invalid"),
    Kind.UNAUTHENTICATED: (401, "login"),
    Kind.FORBIDDEN: (403, "forbidden"),
    Kind.NOT_FOUND: (404, "not-found"),
    Kind.WRONG_METHOD: (405, "not-supported"),
    Kind.UNOBTAINABLE: (412, "incomplete"),
    Kind.TOO_LARGE: (413, "too-long"),
    Kind.TOO_MANY: (429, "throttled"),
    Kind.UNAVAILABLE: (503, "transient"),
    Kind.FAULT: (500, "exception"),
}
# What went wrong inside is the operator's business: the words are in the log.
_OURS = {
    Kind.FAULT: "the service failed; tell its operator",
    Kind.UNAVAILABLE: "the service cannot answer now; try again later, and tell its operator",
}
# As RFC 9110 15.6.4 has it for 503; as long as deploy/nginx.conf says when nobody answers it.
_AGAIN_SECONDS = 5
_BY_STATUS = {status: kind for kind, (status, _) in TABLE.items()}
_WORDS = {
    Kind.NOT_FOUND: ("there is nothing at this address", "see GET /cds-services"),
    Kind.WRONG_METHOD: ("this address does not take that method", "POST a hook request to it"),
    Kind.TOO_LARGE: (
        f"the body is larger than {BODY_LIMIT // 1024**2} MiB",
        "limit the queries with _count",
    ),
    Kind.INCORRECT: ("the request cannot be read", "send JSON"),
}


def too_large() -> Failure:
    """The failure of a body that is larger than is read."""
    what, todo = _WORDS[Kind.TOO_LARGE]
    return Failure(Kind.TOO_LARGE, what, todo=todo)


def response(failure: Failure) -> Response:
    """The response to a failure: status, and an OperationOutcome that says what, where, what to do."""
    status, code = TABLE[failure.kind]
    issue: dict[str, object] = {"severity": "error", "code": code}
    if failure.kind is not Kind.UNAUTHENTICATED:  # a caller who may not enter learns nothing
        ours = _OURS.get(failure.kind)
        issue["diagnostics"] = ours or str(failure)
        if failure.where and ours is None:
            issue["expression"] = [failure.where]
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    made = Response(msgspec.json.encode(body), status, mimetype="application/json")
    if failure.kind is Kind.UNAUTHENTICATED:
        made.headers["WWW-Authenticate"] = "Bearer"  # RFC 6750 3, without `error`: no reason is given
    if isinstance(failure, TooMany):
        made.headers["Retry-After"] = str(failure.seconds)
    if failure.kind is Kind.UNAVAILABLE:
        made.headers["Retry-After"] = str(_AGAIN_SECONDS)
    return made


def register(app: Flask) -> None:
    """Give every error of the application the one form."""

    @app.errorhandler(Failure)
    def _failure(failure: Failure) -> Response:
        if failure.kind in (Kind.FAULT, Kind.UNAVAILABLE):
            # Of a cause only the type: its message may hold a value from a patient's record.
            cause = type(failure.__cause__).__name__ if failure.__cause__ else "none"
            current_app.logger.error("%s: %s (cause: %s)", failure.kind, failure, cause)
        return response(failure)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        kind = _BY_STATUS.get(error.code or 500)
        if kind is None:
            kind = Kind.INCORRECT if (error.code or 500) < 500 else Kind.FAULT  # noqa: PLR2004
        what, todo = _WORDS.get(kind, ("the request failed", ""))
        if isinstance(error, MethodNotAllowed) and "POST" not in (error.valid_methods or ("POST",)):
            todo = "GET it"
        made = response(Failure(kind, what, todo=todo))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            made.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return made

    @app.errorhandler(Exception)
    def _fault(error: Exception) -> Response:
        # The type only: a message may hold a value from a patient's record.
        current_app.logger.error("fault: %s", type(error).__name__, exc_info=app.debug)
        return response(Failure(Kind.FAULT, "the service failed", todo="tell its operator"))
