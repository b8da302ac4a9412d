"""The three addresses of CDS Hooks: discovery, service, feedback."""

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.failures import Failure, Kind
from cds_service.hooks.service import discovery
from cds_service.invocation import PLAYGROUND, Runtime


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes, bound to what they need."""
    routes = Blueprint("services", __name__)
    document = msgspec.json.encode(discovery(runtime.rule_base.services.values()))

    @routes.get("/cds-services", strict_slashes=False)
    def discover() -> Response:
        return _json(document)

    @routes.post("/cds-services/<service>")
    def invoke(service: str) -> Response:
        return _json(runtime.invoke(service, _body(), marks=_marks()))

    @routes.post("/cds-services/<service>/feedback")
    def feedback(service: str) -> Response:
        runtime.feedback(service, _body(), marks=_marks())
        return _json(b"{}")  # the specification names no body; `{}` is safer than 204

    return routes


def _body() -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() not in ("", "identity"):
        raise Failure(
            Kind.INCORRECT,
            "a compressed body is not read",
            where="Content-Encoding",
            todo="send the body as it is",
        )
    body = request.get_data(cache=False)
    if (
        request.content_length is None
        and len(body) == request.max_content_length
        and request.environ["wsgi.input"].read(1)
    ):
        raise RequestEntityTooLarge  # Werkzeug cuts a chunked body at the limit and says nothing
    return body


def _marks() -> tuple[str, ...]:
    return (PLAYGROUND,) if request.headers.get("X-Heavy-Legs-Page") else ()


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")
