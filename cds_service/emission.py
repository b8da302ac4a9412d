"""Is what leaves valid R4? Checked with fhir.resources.

R4B's models are the nearest that fhir.resources has; ServiceRequest and Task are the same in both.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from cds_service.failures import Failure, Kind
from cds_service.hooks.card import Card


def problem_of(resource: Mapping[str, Any]) -> str:
    """What is wrong with a resource as R4; empty when nothing is."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(dict(resource))
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except KeyError:
        return f"{resource.get('resourceType')!r} is not an R4 resource"
    return ""


def check(cards: Iterable[Card]) -> None:
    """Refuse to send an invalid resource.

    Raises:
        Failure: fault, naming the suggestion.
    """
    for card in cards:
        for suggestion in card.suggestions:
            for action in suggestion.actions:
                if action.resource is not None:
                    wrong = problem_of(action.resource)
                    if wrong:
                        raise Failure(Kind.FAULT, f"the order is not valid R4: {wrong}")
