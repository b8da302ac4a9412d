"""Who makes the call that is being answered."""

import msgspec
from flask import request

from cds_service.clients.model import Caller
from cds_service.failures import Failure, Kind
from cds_service.invocation import PLAYGROUND, Runtime


def caller(runtime: Runtime) -> Caller:
    """The caller of this request.

    Raises:
        Failure: unauthenticated, without a word on why.
    """
    client = runtime.clients.anonymous
    if client is None:
        raise Failure(Kind.UNAUTHENTICATED, "the caller did not prove who it is")
    # Only where the page is served: elsewhere no caller may have its calls counted as play.
    if runtime.settings.demo and request.headers.get("X-Heavy-Legs-Page"):
        page = msgspec.structs.replace(client, name=runtime.page)
        return Caller(page, marks=(PLAYGROUND,))
    return Caller(client)
