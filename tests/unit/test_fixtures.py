"""The fixture patients as files, and how they are moved in time."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest
import yaml

from cds_service import content
from cds_service.cases import fixtures
from cds_service.failures import Failure
from cds_service.fhir import dates
from cds_service.hooks.service import Service

FOLDER = content.folder("fhir_fixtures")
NAMES = fixtures.names(FOLDER)
SOUND = [name for name in NAMES if name != "messy"]  # messy is wrong on purpose
WRITTEN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOWS = [
    datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    datetime(2026, 11, 22, 0, 30, tzinfo=UTC),  # before the time of day of the bundle
    datetime(2026, 11, 23, 8, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),  # a leap day
    datetime(2024, 2, 29, 0, 30, tzinfo=UTC),  # one that is past
    datetime(2031, 7, 1, 23, 59, 59, tzinfo=UTC),
]
FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
LOCAL = "https://heavy-legs-cds.example/fhir/CodeSystem/heavy-legs"


@cache
def bundle(name: str) -> dict[str, Any]:
    return fixtures.load(FOLDER, name)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def dated(value: Any) -> dict[str, str]:
    """Path → full date of everything in a bundle that is written as one."""
    return {
        path: leaf for path, leaf in leaves(value) if isinstance(leaf, str) and FULL_DATE.fullmatch(leaf)
    }


def moment(text: str) -> datetime:
    """The earliest time that a full date can mean."""
    span = dates.parse(text, UTC)
    assert span is not None, text
    return span.start


def patient(of: Mapping[str, Any]) -> dict[str, Any]:
    return next(one for one in fixtures.resources(dict(of)) if one["resourceType"] == "Patient")


def test_ids_are_unique_over_all_patients() -> None:
    ids = [
        f"{resource['resourceType']}/{resource['id']}"
        for name in NAMES
        for resource in fixtures.resources(bundle(name))
    ]
    urls = [entry["fullUrl"] for name in NAMES for entry in bundle(name)["entry"]]
    assert len(ids) == len(set(ids))
    assert len(urls) == len(set(urls))


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_is_a_transaction_of_puts(name: str) -> None:
    whole = bundle(name)
    assert (whole["resourceType"], whole["type"]) == ("Bundle", "transaction")
    assert datetime.fromisoformat(whole["timestamp"]) == WRITTEN
    for entry in whole["entry"]:
        resource = entry["resource"]
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"])
        assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", entry["fullUrl"])
        url = f"{resource['resourceType']}/{resource['id']}"
        assert entry["request"] == {"method": "PUT", "url": url}


@pytest.mark.parametrize("name", NAMES)
def test_the_patient_is_plainly_invented(name: str) -> None:
    who = patient(bundle(name))
    assert who["id"] == name
    assert who["name"][0]["family"] == "Example"
    assert who["name"][0]["text"].startswith(f"{who['name'][0]['given'][0]} Example, ")
    assert "\n" not in who["name"][0]["text"]
    assert who["meta"]["security"][0]["code"] == "HTEST"
    assert {one["system"] for one in who["identifier"]} == {
        "https://heavy-legs-cds.example/fhir/identifier/fixture-patient"
    }
    assert not who.keys() & {"address", "telecom", "contact", "photo", "text"}


@pytest.mark.parametrize("name", SOUND)
def test_every_resource_is_this_patients(name: str) -> None:
    for resource in fixtures.resources(bundle(name)):
        if resource["resourceType"] != "Patient":
            subject = resource.get("subject") or resource["patient"]
            assert subject == {"reference": f"Patient/{name}"}


@pytest.mark.parametrize("name", SOUND)
def test_every_reference_resolves_to_an_entry_before_it(name: str) -> None:
    seen: set[str] = set()
    for resource in fixtures.resources(bundle(name)):
        for path, leaf in leaves(resource):
            if path.endswith(".reference"):
                assert leaf in seen, f"{resource['id']}{path}"
        seen.add(f"{resource['resourceType']}/{resource['id']}")


def test_messy_points_at_one_resource_of_another_patient() -> None:
    own = {f"{one['resourceType']}/{one['id']}" for one in fixtures.resources(bundle("messy"))}
    foreign = {
        leaf for path, leaf in leaves(bundle("messy")) if path.endswith(".reference") and leaf not in own
    }
    assert foreign == {"Patient/somebody-else"}


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_dated_after_the_timestamp(name: str) -> None:
    assert {path: text for path, text in dated(bundle(name)).items() if moment(text) > WRITTEN} == {}


def test_messy_holds_exactly_one_date_in_the_future() -> None:
    later = [text for text in dated(bundle("messy")).values() if moment(text) > WRITTEN]
    assert later == ["2027-03-01T08:00:00+00:00"]


@pytest.mark.parametrize("name", SOUND)
def test_quantities_have_ucum_codes(name: str) -> None:
    for resource in fixtures.resources(bundle(name)):
        for holder in (resource, *resource.get("component", [])):
            quantity = holder.get("valueQuantity")
            if quantity is not None:
                assert quantity["system"] == "http://unitsofmeasure.org"
                assert quantity["code"]
                assert quantity["unit"]


def test_every_local_code_is_defined_in_the_terminology() -> None:
    known: set[str] = set()
    for path in sorted((content.folder("cards") / "terminology").glob("*.yaml")):
        for code, entry in (yaml.safe_load(path.read_text("utf-8")).get("local-codes") or {}).items():
            known |= {code, *entry.get("values", ())}
    for name in NAMES:
        for resource in fixtures.resources(bundle(name)):
            for coding in _codings(resource):
                if coding.get("system") == LOCAL:
                    assert coding["code"] in known, f"{resource['id']}: {coding}"


def _codings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"system", "code"} <= value.keys() and "value" not in value:
            yield value
        for inner in value.values():
            yield from _codings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _codings(inner)


@pytest.mark.parametrize("now", NOWS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_moving_shifts_every_full_date_by_the_same_days(name: str, now: datetime) -> None:
    before, after = dated(bundle(name)), dated(fixtures.shifted(bundle(name), now))
    assert before.keys() == after.keys()
    days = {
        date.fromisoformat(after[path][:10]) - date.fromisoformat(text[:10])
        for path, text in before.items()
    }
    assert len(days) == 1
    assert {path: text[10:] for path, text in before.items()} == {
        path: text[10:] for path, text in after.items()
    }


@pytest.mark.parametrize("now", NOWS, ids=str)
@pytest.mark.parametrize("name", SOUND)
def test_moving_never_reaches_into_the_future(name: str, now: datetime) -> None:
    moved = fixtures.shifted(bundle(name), now)
    assert max(moment(text) for text in dated(moved).values()) <= now
    assert (now - datetime.fromisoformat(moved["timestamp"])).days == 0  # and not a day too early


@pytest.mark.parametrize("now", NOWS, ids=str)
@pytest.mark.parametrize("name", SOUND)
def test_moving_keeps_the_age(name: str, now: datetime) -> None:
    born, moved = (
        dates.parse(patient(one)["birthDate"], UTC)
        for one in (bundle(name), fixtures.shifted(bundle(name), now))
    )
    assert born is not None
    assert moved is not None
    if name == "symptom-no-data":  # a year alone moves by whole years, so the age may be one off
        years = dates.age_in_years(moved, now, UTC)
        written = dates.age_in_years(born, WRITTEN, UTC)
        assert years[0] - written[0] in (-1, 0, 1)
        return
    assert dates.age_in_years(moved, now, UTC) == dates.age_in_years(born, WRITTEN, UTC)


def test_the_age_in_the_title_is_the_age() -> None:
    for name in SOUND:
        who = patient(bundle(name))
        born = dates.parse(who["birthDate"], UTC)
        told = re.search(r", (?:about )?(\d+):", who["name"][0]["text"])
        assert born is not None
        if told is not None:  # the deceased patient's title says none
            least, most = dates.age_in_years(born, WRITTEN, UTC)
            assert least <= int(told[1]) <= most, name


def test_moving_leaves_what_is_no_date_and_the_given_bundle_alone() -> None:
    original = fixtures.encoded(bundle("pad-risk"))
    moved = fixtures.shifted(bundle("pad-risk"), NOWS[3])
    assert fixtures.encoded(bundle("pad-risk")) == original
    dates_of = dated(bundle("pad-risk"))
    assert {path: leaf for path, leaf in leaves(bundle("pad-risk")) if path not in dates_of} == {
        path: leaf for path, leaf in leaves(moved) if path not in dates_of
    }


def test_an_unknown_patient_is_refused_by_naming_those_there_are() -> None:
    with pytest.raises(Failure, match="nobody") as caught:
        fixtures.load(FOLDER, "nobody")
    assert "pad-risk" in str(caught.value.todo)


def test_the_readme_has_a_line_for_every_patient() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    told = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
    assert sorted(told) == NAMES


def service(hook: str) -> Service:
    return Service(id=f"s-{hook}", hook=hook, title="", description="", prefetch={"encounter": ""})


def test_at_encounter_start_it_is_the_encounter_that_goes_on() -> None:
    request = fixtures.hook_request(bundle("pad-risk"), service("encounter-start"))

    assert request["context"]["encounterId"] == "pad-risk-visit"
    assert request["prefetch"]["encounter"]["id"] == "pad-risk-visit"


def test_when_none_goes_on_the_newest_encounter_begins_at_encounter_start_alone() -> None:
    stays = [
        {
            "resourceType": "Encounter",
            "id": start,
            "status": "finished",
            "period": {"start": start},
        }
        for start in ("2026-01-02", "2026-03-04", "2026-02-03")
    ]
    record = {"entry": [{"resource": one} for one in ({"resourceType": "Patient", "id": "p"}, *stays)]}

    begun = fixtures.hook_request(record, service("encounter-start"))
    assert begun["context"]["encounterId"] == "2026-03-04"
    assert "encounterId" not in fixtures.hook_request(record, service("patient-view"))["context"]


def test_without_an_encounter_none_can_begin() -> None:
    record = {"entry": [{"resource": {"resourceType": "Patient", "id": "p"}}]}

    with pytest.raises(Failure, match="no Encounter"):
        fixtures.hook_request(record, service("encounter-start"))
