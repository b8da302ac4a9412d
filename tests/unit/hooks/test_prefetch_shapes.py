"""Every shape in which a prefetch key arrives has one meaning (requirements, section D)."""

import json
from datetime import date
from typing import Any

import msgspec
import pytest

from cds_service.failures import Failure, Kind
from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.hooks import prefetch

PATIENT = "pat-1"
TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}&_count=250",
    "laboratory": "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date&_count=3",
}
LISTS = ("conditions", "laboratory")
KEYS = tuple(TEMPLATES)
WARNING = {
    "severity": "warning",
    "code": "processing",
    "details": {"text": "Resource request returns no results."},
}


def condition(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"c{number}",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
        **more,
    }


def potassium(number: int = 1, day: str | None = "2026-11-20", **more: Any) -> dict[str, Any]:
    found = {
        "resourceType": "Observation",
        "id": f"k{number}",
        "status": "final",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "valueQuantity": {"value": 4.0, "unit": "mmol/L", "code": "mmol/L"},
        **more,
    }
    return found if day is None else {**found, "effectiveDateTime": day}


def outcome(*severities: str) -> dict[str, Any]:
    issues = [{**WARNING, "severity": severity} for severity in severities]
    return {"resourceType": "OperationOutcome", "issue": issues}


def bundle(*found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one} for one in found],
    } | more


def arrived(key: str, value: Any, template: str | None = None) -> Arrival | Unavailable:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    templates = TEMPLATES if template is None else {**TEMPLATES, key: template}
    return prefetch.read({key: msgspec.Raw(raw)}, templates, PATIENT).arrivals[key]


def delivered(key: str, value: Any, template: str | None = None) -> Arrival:
    found = arrived(key, value, template)
    assert isinstance(found, Arrival)
    return found


@pytest.mark.requirement(14)
def test_a_key_that_is_absent_was_not_delivered() -> None:
    found = prefetch.read({}, TEMPLATES, PATIENT)
    assert found.arrivals == {key: Unavailable(key, "not-delivered") for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "nothing",
    [
        None,
        b" null ",
        {"resourceType": "Bundle", "type": "searchset"},
        {"resourceType": "Bundle", "type": "searchset", "entry": []},
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {
            "resourceType": "Bundle",
            "total": 0,
            "link": [{"relation": "self", "url": "https://x.example"}],
        },
    ],
)
@pytest.mark.requirement(15)
def test_null_and_an_empty_bundle_are_delivered_and_there_is_nothing(key: str, nothing: Any) -> None:
    found = delivered(key, nothing)
    assert (found.items, found.complete, found.unread) == ((), True, ())


@pytest.mark.parametrize("severities", [("warning",), ("information",), ("warning", "information"), ()])
@pytest.mark.parametrize("key", LISTS)
def test_a_bundle_with_only_a_warning_is_epics_empty_search(
    key: str, severities: tuple[str, ...]
) -> None:
    entry = [{"resource": outcome(*severities), "search": {"mode": "outcome"}}]
    found = delivered(key, {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": entry})
    assert (found.items, found.complete) == ((), True)


@pytest.mark.parametrize("severities", [("error",), ("fatal",), ("warning", "error")])
@pytest.mark.parametrize("key", KEYS)
def test_a_bundle_of_nothing_but_an_error_is_unavailable(key: str, severities: tuple[str, ...]) -> None:
    assert arrived(key, bundle(outcome(*severities))) == Unavailable(key, "client-error")


@pytest.mark.parametrize("severities", [("error",), ("fatal",), ("warning", "error")])
@pytest.mark.parametrize("key", LISTS)
def test_what_came_beside_an_error_counts_and_what_did_not_is_unknown(
    key: str, severities: tuple[str, ...]
) -> None:
    found = delivered(key, bundle(condition(), outcome(*severities), potassium()))
    assert [item.ref for item in found.items] == ["Condition/c1", "Observation/k1"]
    assert (found.complete, found.incomplete) == (False, "client-error")


@pytest.mark.parametrize("severities", [("error",), ("fatal",), ("warning",), ()])
@pytest.mark.parametrize("key", KEYS)
def test_an_operation_outcome_is_unavailable(key: str, severities: tuple[str, ...]) -> None:
    assert arrived(key, outcome(*severities)) == Unavailable(key, "client-error")


def test_a_resource_beside_a_warning_is_used() -> None:
    found = delivered("conditions", bundle(condition(), outcome("warning")))
    assert [item.ref for item in found.items] == ["Condition/c1"]
    assert found.complete


@pytest.mark.parametrize("value", [{"resourceType": "Patient", "id": PATIENT}, None])
def test_an_instance_read_brings_the_resource(value: Any) -> None:
    found = delivered("patient", value)
    assert [item.ref for item in found.items] == ([f"Patient/{PATIENT}"] if value else [])
    assert found.complete


def test_one_resource_is_no_complete_answer_to_a_search() -> None:
    found = delivered("conditions", condition())
    assert [item.ref for item in found.items] == ["Condition/c1"]
    assert not found.complete


@pytest.mark.parametrize("kind", ["Patient", "Binary", "NoSuchType"])
def test_a_resource_of_another_type_does_not_prove_that_there_are_no_conditions(kind: str) -> None:
    found = delivered("conditions", {"resourceType": kind, "id": PATIENT})
    assert not found.complete


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"x": 1},
        {"resourceType": None},
        {"resourceType": 5},
        {"resourceType": ""},
        {"resourceType": ["Bundle"]},
        {"resourceType": "Bundle", "entry": {"resource": {}}},
        {"resourceType": "Bundle", "entry": "Mustermann"},
        {"resourceType": "Bundle", "entry": [5]},
        {"resourceType": "Bundle", "total": "none"},
        {"resourceType": "Bundle", "link": {"relation": "next"}},
        b'{"resourceType": "Bundle", "entry": [\xff]}',
    ],
)
def test_what_is_no_fhir_is_unavailable_and_unreadable(key: str, value: Any) -> None:
    assert arrived(key, value) == Unavailable(key, "unreadable")


@pytest.mark.parametrize("key", [*KEYS, "unheard-of"])
@pytest.mark.parametrize("value", ["Mustermann", 5, -1.5, True, False, [], [condition()]])
@pytest.mark.requirement(11)
def test_a_string_a_number_and_an_array_are_refused(key: str, value: Any) -> None:
    with pytest.raises(Failure) as caught:
        arrived(key, value)
    assert (caught.value.kind, caught.value.where) == (Kind.INCORRECT, f"prefetch.{key}")
    assert "Mustermann" not in str(caught.value)


@pytest.mark.parametrize("key", LISTS)
def test_an_unread_next_page_makes_it_incomplete(key: str) -> None:
    link = [{"relation": "self"}, {"relation": "next", "url": "https://ehr.example/fhir?page=2"}]
    assert not delivered(key, bundle(condition(), link=link)).complete
    assert not delivered(key, {"resourceType": "Bundle", "link": link}).complete


@pytest.mark.parametrize(("entries", "complete"), [(2, True), (3, False), (4, False)])
def test_as_many_entries_as_asked_for_may_not_be_all(entries: int, complete: bool) -> None:
    found = bundle(*(potassium(number, f"2026-11-{20 - number}") for number in range(entries)))
    read = delivered("laboratory", found)
    assert read.complete is complete
    assert read.back_to == (None if complete else date(2026, 11, 21 - entries))


@pytest.mark.parametrize(
    "template", [TEMPLATES["conditions"].replace("250", "3"), "Observation?_sort=date&_count=3"]
)
def test_a_list_that_is_not_sorted_from_the_newest_is_complete_back_to_nothing(template: str) -> None:
    found = bundle(*(potassium(number) for number in range(3)))
    read = delivered("laboratory", found, template)
    assert (read.complete, read.back_to) == (False, None)


def test_one_undated_or_unreadable_entry_and_the_reach_of_a_cut_list_is_not_known() -> None:
    undated = bundle(potassium(1), potassium(2, None), potassium(3))
    assert delivered("laboratory", undated).back_to is None
    unreadable = bundle(potassium(1), {**potassium(2), "code": "Mustermann"}, potassium(3), potassium(4))
    read = delivered("laboratory", unreadable)
    assert (read.complete, read.back_to) == (False, None)


def test_included_and_outcome_entries_do_not_count_as_matches() -> None:
    entry = [{"resource": potassium(number), "search": {"mode": "match"}} for number in range(2)]
    specimen = {"resourceType": "Specimen", "id": "s", "subject": {"reference": f"Patient/{PATIENT}"}}
    entry.append({"resource": specimen, "search": {"mode": "include"}})
    entry.append({"resource": outcome("warning"), "search": {"mode": "outcome"}})
    assert delivered("laboratory", {"resourceType": "Bundle", "entry": entry}).complete


@pytest.mark.parametrize(("total", "complete"), [(0, True), (1, True), (2, False), (5000, False)])
def test_a_total_above_what_came_makes_it_incomplete(total: int, complete: bool) -> None:
    assert delivered("conditions", bundle(condition(), total=total)).complete is complete


def test_entries_without_a_resource_are_passed_over() -> None:
    entry = [{"fullUrl": "urn:uuid:1"}, {"resource": condition()}]
    found = delivered("conditions", {"resourceType": "Bundle", "entry": entry})
    assert len(found.items) == 1


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        [],
        "Mustermann",
        {"resourceType": "Condition", "subject": "Mustermann"},
        {"resourceType": "Condition", "code": {"coding": {"code": "x"}}},
        {"resourceType": "Condition", "id": 5},
    ],
)
def test_one_bad_resource_is_alone(broken: Any) -> None:
    entry = [{"resource": condition(1)}, {"resource": broken}, {"resource": condition(2)}]
    found = delivered("conditions", {"resourceType": "Bundle", "entry": entry})
    assert [item.ref for item in found.items] == ["Condition/c1", "Condition/c2"]
    assert len(found.unread) == 1
    assert not found.complete
    assert "Mustermann" not in repr(found.unread)


@pytest.mark.parametrize(
    "number", ["1e999", "-1e-999", "1" * 1_000_000, "0." + "1" * 1_000_000, '"NaN"']
)
def test_a_number_nobody_can_read_costs_nothing_and_spares_its_neighbours(number: str) -> None:
    raw = json.dumps(bundle(potassium(1), potassium(2, valueQuantity={"value": "@"}), potassium(3)))
    found = delivered("laboratory", raw.replace('"@"', number).encode(), "Observation?_count=50")
    assert {"Observation/k1", "Observation/k3"} <= {item.ref for item in found.items}


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_json_does_not_know_spoils_no_other_key(constant: str) -> None:
    # Over HTTP the whole body is refused: it is not JSON. Here only the key is at stake.
    raw = json.dumps(bundle(potassium(valueQuantity={"value": "@"}))).replace('"@"', constant).encode()
    found = prefetch.read(
        {"laboratory": msgspec.Raw(raw), "conditions": msgspec.Raw(b"null")}, TEMPLATES, PATIENT
    )
    assert found.arrival("conditions") is not None
    assert found.arrival("laboratory") is None


def test_of_a_repeated_key_inside_a_resource_the_last_counts() -> None:
    raw = json.dumps(bundle(condition(1))).replace('"id": "c1"', '"id": "c0", "id": "c1"').encode()
    assert [item.ref for item in delivered("conditions", raw).items] == ["Condition/c1"]


def test_ten_thousand_entries_are_read_and_one_more_is_too_many() -> None:
    most = bundle(*(condition(number) for number in range(10_000)))
    template = "Condition?patient={{context.patientId}}"
    assert len(delivered("conditions", most, template).items) == 10_000
    most["entry"].append({"resource": condition(10_001)})
    with pytest.raises(Failure) as caught:
        delivered("conditions", most, template)
    assert caught.value.kind is Kind.TOO_LARGE


def test_the_limit_is_over_all_keys_and_the_draft_orders_together() -> None:
    half = msgspec.Raw(json.dumps(bundle(*(condition(number) for number in range(5_001)))).encode())
    with pytest.raises(Failure):
        prefetch.read({"conditions": half, "laboratory": half}, {}, PATIENT)
    with pytest.raises(Failure):
        prefetch.read({"conditions": half}, {}, PATIENT, half)


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("encounter", {"resourceType": "Encounter", "contained": [condition(1)] * 10_000}),
        ("encounter", {"resourceType": "Encounter", "reasonCode": [{"text": "x"}] * 10_000}),
        ("encounter", {"resourceType": "Encounter", "reasonReference": [{"display": "x"}] * 10_000}),
        ("laboratory", potassium(referenceRange=[{"text": "x"}] * 10_001)),
        ("laboratory", potassium(component=[{"referenceRange": [{"text": "x"}] * 10_000}])),
    ],
)
def test_what_a_resource_holds_many_of_counts_like_entries(key: str, resource: Any) -> None:
    with pytest.raises(Failure) as caught:
        delivered(key, resource)
    assert caught.value.kind is Kind.TOO_LARGE


def test_the_first_reference_range_of_a_result_is_a_part_of_it() -> None:
    ranged = bundle(*(potassium(number, referenceRange=[{}]) for number in range(10_000)))
    assert len(delivered("laboratory", ranged).items) == 10_000


@pytest.mark.requirement(70)
@pytest.mark.requirement(76)
def test_the_sandboxs_draft_orders_are_read() -> None:
    # No intent, no medication; `category` an object; `code.coding: [{}]`; the Bundle has no type.
    drafts = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "MedicationRequest", "id": "r1", "status": "draft"}},
            {
                "resource": {
                    "resourceType": "ServiceRequest",
                    "id": "r2",
                    "status": "draft",
                    "category": {"coding": []},
                    "code": {"coding": [{}]},
                    "reasonCode": [],
                }
            },
            {"resource": {"resourceType": "Medication", "id": "m" * 194}},
        ],
    }
    found = prefetch.read({}, TEMPLATES, PATIENT, msgspec.Raw(json.dumps(drafts).encode()))
    arrival = found.arrival("draftOrders")
    assert arrival is not None
    assert arrival.origin == "context"
    assert len(arrival.items) == 3


@pytest.mark.parametrize(
    "entry",
    [bundle(condition()), {"resourceType": "condition", "id": "c1"}, {"resourceType": "Immunization"}],
)
def test_an_entry_of_a_type_nobody_asked_for_leaves_the_list_open(entry: dict[str, Any]) -> None:
    found = delivered("conditions", bundle(entry))
    assert (found.items, found.complete, found.incomplete) == ((), False, "unreadable-resource")
    assert len(found.unread) == 1


@pytest.mark.parametrize("kind", ["<b>Bundle</b>", "A" * 41, "Erika Mustermann", "B\u202eundle"])
def test_a_type_that_is_no_name_of_a_type_is_not_repeated(kind: str) -> None:
    found = delivered("conditions", bundle({"resourceType": kind}))
    assert [one.type for one in found.unread] == ["resource"]


def test_what_servers_add_to_a_search_leaves_it_whole() -> None:
    found = delivered("conditions", bundle(condition(), {"resourceType": "Provenance", "id": "p"}))
    assert (len(found.items), found.complete) == (1, True)


@pytest.mark.parametrize("more", [{"component": [{}] * 10_001}, {"contained": [{}] * 10_001}])
def test_the_parts_of_a_panel_count_as_entries(more: dict[str, Any]) -> None:
    with pytest.raises(Failure) as caught:
        arrived("laboratory", bundle(potassium(**more)))
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.mark.requirement(14)
def test_a_list_that_was_cut_is_known_back_to_a_day_also_with_a_next_link() -> None:
    # Every server that pages offers the rest of a list that is as long as its `_count`.
    rest = [{"relation": "next", "url": "https://fhir.example.org/R4?_getpages=1"}]
    days = ("2026-11-20", "2026-11-18", "2026-11-19")
    cut = bundle(*(potassium(number, day) for number, day in enumerate(days)), link=rest)
    found = arrived("laboratory", cut)
    assert isinstance(found, Arrival)
    assert (found.complete, found.incomplete) == (False, "cut-by-count")
    assert found.back_to == date(2026, 11, 18)

    shorter = arrived("laboratory", bundle(potassium(1), link=rest))
    assert isinstance(shorter, Arrival)
    assert (shorter.incomplete, shorter.back_to) == ("more-pages", None)
