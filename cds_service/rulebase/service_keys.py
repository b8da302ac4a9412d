"""The prefetch keys that services.yaml names: each leads to a query that it can be used with."""

from collections.abc import Iterator

from cds_service.failures import ContentProblem
from cds_service.rulebase.reading import Document


def unresolved(document: Document) -> Iterator[ContentProblem]:
    """Every key that has no query, and every list in `limited-by-date` that is not sorted by date.

    Only of a sorted list is it known how far back it goes.
    """
    templates = document.value["prefetch"]
    for index, key in enumerate(document.value.get("limited-by-date", ())):
        if "&_sort=-date" not in templates.get(key, ""):
            what = f"no prefetch key {key!r} whose list is sorted by date"
            yield document.problem(("limited-by-date", index), what)
    for index, service in enumerate(document.value["services"]):
        for at, key in enumerate(service["prefetch"]):
            if key not in templates:
                yield document.problem(("services", index, "prefetch", at), f"no prefetch key {key!r}")
