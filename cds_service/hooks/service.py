"""A CDS service, and the discovery document."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

SPECIFICATION = "2.0.1"  # the CDS Hooks version implemented (requirement 6)


class Service(msgspec.Struct, frozen=True):
    """A CDS service as discovery describes it.

    `limited`: the keys whose lists a client that resolves relative dates is asked for only so far back.
    """

    id: str
    hook: str
    title: str
    description: str
    prefetch: Mapping[str, str]
    usage_requirements: str = ""
    limited: tuple[str, ...] = ()


def dated(service: Service, days: Mapping[str, int]) -> Service:
    """The service for a client that resolves `today()`: its limited lists go back so many days.

    The form is the one that CDS Hooks 3.0 and the public sandbox share (requirement 20).
    """
    queries = dict(service.prefetch)
    for key in service.limited:
        if key in days:
            since = f"&date=ge{{{{today() - {days[key]} days}}}}"
            queries[key] = queries[key].replace("&_sort=-date", f"{since}&_sort=-date")
    return msgspec.structs.replace(service, prefetch=queries)


def discovery(services: Iterable[Service]) -> dict[str, Any]:
    """`GET /cds-services`: every service with its prefetch templates."""
    return {"services": [_described(service) for service in services]}


def _described(service: Service) -> dict[str, Any]:
    described: dict[str, Any] = {
        "hook": service.hook,
        "id": service.id,
        "title": service.title,
        "description": service.description,
        "version": SPECIFICATION,
        "prefetch": dict(service.prefetch),
    }
    if service.usage_requirements:
        described["usageRequirements"] = service.usage_requirements
    return described
