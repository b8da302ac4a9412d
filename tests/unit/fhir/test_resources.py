"""Resources are read tolerantly, and one that cannot be read stays alone (ARCHITECTURE 6)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.decoding import Ignored, Unread, decode
from cds_service.fhir.evidence import Arrival, Evidence, Item, Unavailable
from cds_service.fhir.references import last_segment, subject_of, type_in
from cds_service.fhir.resources import Condition, Observation, Patient


def read(value: Any) -> Any:
    return decode(json.dumps(value).encode())


def test_what_no_fact_needs_is_skipped() -> None:
    found = read({"resourceType": "Condition", "id": "1", "extension": [{"a": [1, {}]}], "stage": 7})

    assert isinstance(found, Condition)


def test_a_resource_of_another_type_is_ignored() -> None:
    assert read({"resourceType": "Claim", "status": 7}) == Ignored("Claim")


def test_a_field_of_another_json_type_makes_its_resource_unreadable_and_says_where() -> None:
    found = read(
        {
            "resourceType": "Observation",
            "id": "1",
            "code": {"coding": [{"system": "s", "code": "c"}]},
            "effectiveDateTime": "2026-11-22",
            "status": ["final"],
        }
    )

    assert isinstance(found, Unread)
    assert (found.type, found.id, found.when) == ("Observation", "1", "2026-11-22")
    assert found.code is not None
    assert found.code.coding[0].code == "c"
    assert "status" in found.reason


def test_the_reason_never_holds_a_value_of_the_record() -> None:
    found = read({"resourceType": "Patient", "id": "1", "birthDate": {"secret": "Mrs Miller"}})

    assert isinstance(found, Unread)
    assert "Miller" not in found.reason
    assert "secret" not in found.reason


@pytest.mark.parametrize(
    "raw", [b"", b"7", b"[]", b"null", b"{", b'{"a": 1}', b'"x"', b"\xff", b"[" * 100_000]
)
def test_what_is_no_resource_never_raises(raw: bytes) -> None:
    assert isinstance(decode(raw), Unread)


@given(st.binary(max_size=60))
def test_no_bytes_raise(raw: bytes) -> None:
    decode(raw)


def test_null_is_no_value() -> None:
    found = read({"resourceType": "Patient", "id": "1", "birthDate": None, "gender": None})

    assert isinstance(found, Patient)
    assert found.birthDate is None


def test_a_number_stays_as_it_was_written() -> None:
    found = decode(b'{"resourceType":"Observation","valueQuantity":{"value":2.40}}')

    assert isinstance(found, Observation)
    assert found.valueQuantity is not None
    assert bytes(found.valueQuantity.value) == b"2.40"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "identifier", "kind"),
    [
        ("Patient/1", "1", "Patient"),
        ("https://ehr.example/fhir/Patient/1", "1", "Patient"),
        ("Patient/1/_history/3", "1", "Patient"),
        ("Patient/1/", "1", "Patient"),
        ("urn:uuid:abc", "abc", ""),
        ("1", "1", ""),
    ],
)
def test_a_reference_ends_in_its_id(reference: str, identifier: str, kind: str) -> None:
    assert last_segment(reference) == identifier
    assert type_in(reference) == kind


def test_the_subject_may_be_called_patient() -> None:
    device = read({"resourceType": "Device", "patient": {"reference": "Patient/1"}})

    assert subject_of(device) == "Patient/1"
    assert subject_of(read({"resourceType": "Patient", "id": "1"})) is None


def test_evidence_tells_what_arrived_from_what_did_not() -> None:
    patient = Patient(id="1")
    evidence = Evidence(
        {
            "patient": Arrival("patient", "prefetch", (Item(patient, "Patient/1", "patient"),)),
            "devices": Unavailable("devices", "not-delivered"),
            "conditions": Arrival("conditions", "prefetch", unread=(Unread("Condition", "", "odd"),)),
        }
    )

    assert evidence.patient is patient
    assert evidence.arrival("devices") is None
    assert evidence.arrival("nothing") is None
    assert [one.type for one in evidence.unread] == ["Condition"]
