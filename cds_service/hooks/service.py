"""A CDS service, and the discovery document."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

SPECIFICATION = "2.0.1"  # the CDS Hooks version implemented (requirement 6)


class Service(msgspec.Struct, frozen=True):
    """A CDS service as discovery describes it."""

    id: str
    hook: str
    title: str
    description: str
    prefetch: Mapping[str, str]
    usage_requirements: str = ""


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
