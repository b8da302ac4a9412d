"""A Bundle of which something beside its resources is not as R4 has it."""

from typing import Any

import pytest

from tests.unit.hooks.test_prefetch_shapes import bundle, condition, delivered


@pytest.mark.parametrize(
    "odd",
    [
        {"total": "none"},
        {"link": {"relation": "next"}},
        {"entry": [None, {"resource": condition()}]},
        {"entry": [{"resource": condition()}, "Mustermann"]},
        {"entry": [{"resource": condition(), "fullUrl": 3}]},
        {"entry": [{"resource": condition(), "search": "match"}]},
    ],
)
def test_what_is_odd_about_a_bundle_costs_none_of_its_resources(odd: dict[str, Any]) -> None:
    found = delivered("conditions", bundle(condition(), **odd))
    assert [item.ref for item in found.items] == ["Condition/c1"]
    assert (found.complete, found.incomplete) == (False, "unreadable-resource")
