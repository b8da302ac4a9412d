"""What every fixture patient gets at every hook, as it was last read by a person."""

import copy
import difflib
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.cases import fixtures
from tests.golden import pairs, rendering

NAMES = pairs.names()
# What a golden leaves out, and why: tests/golden/rendering.py.
LEFT_OUT = ("uuid", "version", "digest")
COMMAND = "make goldens"


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_are_those_that_were_read(name: str) -> None:
    path = pairs.path(name)
    found = pairs.golden(name)
    assert path.is_file(), f"{name} has no golden; `{COMMAND}` writes it, then read {path}"
    before = path.read_text("utf-8")
    changes = "\n".join(
        difflib.unified_diff(
            before.splitlines(),
            found.splitlines(),
            f"{path.name} (golden)",
            f"{path.name} (now)",
            "",
            "",
            2,
            "",
        )
    )
    if changes:
        pytest.fail(
            f"what {name} gets is not what its golden says. If it is meant, `{COMMAND}` and commit; "
            f"a clinician will read this:\n\n{changes}",
            pytrace=False,
        )


def test_no_golden_is_of_a_patient_that_is_gone() -> None:
    found = {path.stem for path in pairs.RESPONSES.glob("*.md")}
    assert found <= set(NAMES), f"`{COMMAND}` removes {sorted(found - set(NAMES))}"


def test_every_hook_is_in_every_golden_but_where_there_is_no_encounter() -> None:
    hooks = {service.hook for service in pairs.services()}
    assert {"patient-view", "encounter-start", "order-select", "order-sign"} <= hooks
    for name in NAMES:
        asked = {service.hook for service, _ in pairs.requests(name)}
        assert hooks - asked <= pairs.NEEDS_ENCOUNTER
        if hooks != asked:
            assert not pairs.has_encounter(fixtures.load(pairs.FOLDER, name)), name


def test_a_request_is_the_same_each_time_and_has_an_instance_of_its_own() -> None:
    made = [request for name in NAMES for _, request in pairs.requests(name)]
    assert made == [request for name in NAMES for _, request in pairs.requests(name)]
    instances = [request["hookInstance"] for request in made]
    assert len(set(instances)) == len(instances)
    assert all(request["extension"]["org.heavylegs.now"] for request in made)


# --- the rendering leaves nothing out -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hook"),
    [("k-2-4", "patient-view"), ("knee-oa-order", "order-sign"), ("messy", "patient-view")],
)
def test_whatever_changes_in_a_response_changes_its_text(name: str, hook: str) -> None:
    service, request = next(pair for pair in pairs.requests(name) if pair[0].hook == hook)
    body = pairs.answered(service, request)
    assert body["cards"]
    before = rendering.answer(body)
    unseen = []
    for place, change in changes_of(body):
        changed = copy.deepcopy(body)
        parent = changed
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] = change
        if (rendering.answer(changed) == before) != left_out(place):
            unseen.append(".".join(map(str, place)))
    assert unseen == []


def left_out(place: tuple[Any, ...]) -> bool:
    return place[-1] in LEFT_OUT or "ruleBase" in place


def changes_of(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place in a response with another value for it, and a new member in every object."""
    if isinstance(value, dict):
        yield (*place, "unheardOf"), "news"
        for key, inner in value.items():
            if key != "org.heavylegs.evaluation":  # rules that are silent are left out on purpose
                yield from changes_of(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from changes_of(inner, (*place, number))
    elif isinstance(value, bool):
        yield place, not value
    elif isinstance(value, str):
        yield place, f"{value}!"
    else:
        yield place, value + 1
