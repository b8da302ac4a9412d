"""The three addresses of CDS Hooks: discovery, service, feedback."""

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.clients.choices import services_of
from cds_service.clients.model import Caller
from cds_service.deadline import BEGUN, Deadline
from cds_service.failures import Failure, Kind
from cds_service.hooks.service import discovery
from cds_service.invocation import Runtime
from cds_service.web import callers
from cds_service.web.errors import too_large
from cds_service.web.rates import Rates

# What a body may be called; "" is a header that is missing. The third is the name before R4.
_TAKEN = ("", "application/json", "application/fhir+json", "application/json+fhir")


def blueprint(runtime: Runtime, rates: Rates) -> Blueprint:
    """The routes, bound to what they need."""
    routes = Blueprint("services", __name__)

    @routes.get("/cds-services", strict_slashes=False)
    def discover() -> Response:
        caller = callers.reader(runtime)
        offered = list(runtime.rule_base.services.values())
        if caller is not None:
            offered = [runtime.asked(one, caller) for one in services_of(caller.client).values()]
        return _json(msgspec.json.encode(discovery(offered)))

    @routes.post("/cds-services/<service>")
    def invoke(service: str) -> Response:
        caller = _admitted(runtime, rates, service)
        body = _body(runtime, service, caller)
        return _json(runtime.invoke(service, body, caller, _deadline(runtime)))

    @routes.post("/cds-services/<service>/feedback")
    def feedback(service: str) -> Response:
        caller = _admitted(runtime, rates, service)
        runtime.feedback(service, _body(runtime, service, caller), caller)
        return _json(b"{}")  # the specification names no body; `{}` is safer than 204

    return routes


def _admitted(runtime: Runtime, rates: Rates, service: str) -> Caller:
    caller = callers.caller(runtime)
    rates.admit(caller, service)
    return caller


def _deadline(runtime: Runtime) -> Deadline:
    return Deadline.after(runtime.settings.deadline, request.environ.get(BEGUN))


def _body(runtime: Runtime, service: str, caller: Caller) -> bytes:
    """The body of a call; one that cannot be taken is a refusal, and is audited like any other."""
    try:
        return _received()
    except Failure as failure:
        runtime.refused(failure, service, caller)
        raise


def _received() -> bytes:
    # A page elsewhere can send text or a form without asking first (a "simple request" of the Fetch
    # standard); JSON it cannot. So nothing is written down for a page that CORS keeps out.
    if request.mimetype not in _TAKEN:
        raise Failure(
            Kind.INCORRECT,
            "a body of this type is not read",
            where="Content-Type",
            todo="send application/json",
        )
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() not in ("", "identity"):
        raise Failure(
            Kind.INCORRECT,
            "a compressed body is not read",
            where="Content-Encoding",
            todo="send the body as it is",
        )
    body = _all_of_it()
    if (
        request.content_length is None
        and len(body) == request.max_content_length
        and request.environ["wsgi.input"].read(1)
    ):
        raise too_large()  # Werkzeug cuts a chunked body at the limit and says nothing
    return body


def _all_of_it() -> bytes:
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise too_large() from error
    except OSError as error:  # of a server that hands a body on while it arrives; ours does not
        raise Failure(Kind.INCORRECT, "the body ends early", todo="send it whole") from error


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")
