"""Relative dates, for clients that resolve `today()`: requirement 20."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.clients.model import Clients
from cds_service.facts.assessment import assess
from cds_service.facts.lookback import lookback
from cds_service.hooks import prefetch
from cds_service.hooks.service import dated as dated_service
from cds_service.rulebase.definitions import DoneFact, MeasurementFact
from cds_service.rulebase.model import RuleBase
from tests.conformance.calls import (
    PATIENT,
    Json,
    answered,
    bundle,
    outcome,
    patient,
    post,
    potassium,
    request,
)
from tests.conformance.conftest import MakeApp

LIMITED = re.compile(r"&date=ge\{\{today\(\) - ([1-9]\d*) days\}\}(?=&_sort=-date&_count=\d+$)")


@pytest.fixture(scope="module")
def dated(make_app: MakeApp) -> Flask:
    return make_app(relative_dates=True)


@pytest.fixture(scope="module")
def rule_base(dated: Flask) -> RuleBase:
    found: RuleBase = dated.extensions["cds"].rule_base
    return found


def discovered(client: FlaskClient) -> list[dict[str, str]]:
    return [one["prefetch"] for one in answered(client.get("/cds-services"))["services"]]


@pytest.mark.requirement(20)
def test_the_long_lists_go_back_only_so_far_and_all_else_stays(
    dated: Flask, client: FlaskClient
) -> None:
    plain, limited = discovered(client), discovered(dated.test_client())
    assert len(plain) == len(limited) == 4
    for before, after in zip(plain, limited, strict=True):
        changed = {key for key in before if before[key] != after[key]}
        assert changed == {"laboratory", "vitals"}
        for key in changed:
            assert LIMITED.search(after[key])
            assert LIMITED.sub("", after[key]) == before[key]


@pytest.mark.requirement(20)
def test_only_the_client_whose_entry_says_so_gets_them(make_app: MakeApp) -> None:
    app = make_app()
    assert not any("today()" in text for one in discovered(app.test_client()) for text in one.values())
    runtime = app.extensions["cds"]
    able = msgspec.structs.replace(runtime.clients.anonymous, relative_dates=True)
    runtime.clients = Clients({}, able)
    assert all("today()" in one["laboratory"] for one in discovered(app.test_client()))


@pytest.mark.requirement(20)
def test_a_client_whose_entry_denies_it_does_not_get_them(make_app: MakeApp, tmp_path: Path) -> None:
    file = tmp_path / "clients.yaml"
    file.write_text("anonymous: {relative-dates: false}", "utf-8")
    unable = make_app(relative_dates=True, clients=file).test_client()
    assert not any("today()" in text for one in discovered(unable) for text in one.values())


def test_a_list_reaches_as_far_as_any_fact_looks_for_a_value(rule_base: RuleBase) -> None:
    # Independent of how it is worked out: no window of a fact about a value is longer than its list.
    days = lookback(rule_base)
    checked = 0
    for fact in rule_base.facts.values():
        if not isinstance(fact, MeasurementFact) or not fact.within:
            continue
        analyte, within = rule_base.analytes[fact.of], rule_base.thresholds[fact.within]
        if within.unit != "d" or within.single() > 36_000:
            continue
        for key in {"laboratory", "vitals"} & set(analyte.arrives):
            assert days[key] > int(within.single())
            checked += 1
    assert checked > 100


def test_a_longer_window_in_the_content_makes_a_longer_list(rule_base: RuleBase) -> None:
    found = [one for one in rule_base.facts.values() if isinstance(one, MeasurementFact)]
    name = next(one.within for one in found if one.of == "potassium" and one.within)
    longer = msgspec.structs.replace(rule_base.thresholds[name], values={"d": 4000})
    changed = msgspec.structs.replace(rule_base, thresholds={**rule_base.thresholds, name: longer})
    assert lookback(rule_base)["laboratory"] < 4000 < lookback(changed)["laboratory"]


def not_read(body: Json) -> dict[str, str]:
    return {one["what"]: one["reason"] for one in body["extension"]["org.heavylegs.not-read"]}


@pytest.mark.requirement(20)
def test_what_is_absent_is_absent_only_since_then(dated: Flask, client: FlaskClient) -> None:
    empty: dict[str, Any] = {key: bundle() for key in ("laboratory", "vitals", "findings")}
    whole = not_read(answered(post(client, request(prefetch=empty))))
    limited = not_read(answered(post(dated.test_client(), request(prefetch=empty))))
    assert limited["laboratory"] == limited["vitals"] == "limited-by-date"
    assert not {"laboratory", "vitals", "findings"} & whole.keys()
    assert "findings" not in limited


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_facts_with_a_window_know_as_much_and_facts_of_a_lifetime_do_not(
    rule_base: RuleBase, hour: int
) -> None:
    plain = next(iter(rule_base.services.values()))
    limited = dated_service(plain, lookback(rule_base))
    now = datetime(2026, 11, 22, hour, 30, tzinfo=UTC)
    keys = plain.prefetch.keys() - {"patient", "encounter"}
    sent = {key: msgspec.Raw(msgspec.json.encode(bundle())) for key in keys}
    sent["patient"] = msgspec.Raw(msgspec.json.encode(patient()))
    before, after = (
        assess(
            prefetch.read(sent, one.prefetch, PATIENT, today=now.date()),
            rule_base,
            now,
            ZoneInfo("Pacific/Auckland"),  # where it is tomorrow already
            "patient-view",
        ).sides[""]
        for one in (plain, limited)
    )
    lost = {name for name in before if before[name].value != after[name].value}
    assert "abi-ever" in {name for name in before if before[name] != after[name]}
    assert all(after[name].value is None for name in lost)
    for fact in rule_base.facts.values():
        within = rule_base.thresholds.get(getattr(fact, "within", ""))
        if isinstance(fact, MeasurementFact | DoneFact) and within and within.single() < 36_000:
            assert (before[fact.name], fact.name) == (after[fact.name], fact.name)


@pytest.mark.requirement(20)
@pytest.mark.parametrize(
    "arrives", [..., outcome("error"), bundle(potassium()), bundle(potassium(), total=1)]
)
def test_a_client_that_cannot_resolve_it_is_survived(dated: Flask, arrives: Any) -> None:
    # It leaves the key out, sends the error that the FHIR server gave it, or all that there is.
    body = answered(post(dated.test_client(), request(prefetch={"laboratory": arrives})))
    reads = isinstance(arrives, dict) and arrives["resourceType"] == "Bundle"
    assert bool(body["cards"]) is reads
    assert not_read(body)["laboratory"] in ("limited-by-date", "client-error", "not-delivered") or any(
        "server" in why for why in not_read(body).values()
    )


def test_a_list_cut_by_its_count_goes_back_only_to_its_oldest_entry(dated: Flask) -> None:
    some = bundle(*[potassium(3.9, number=number) for number in range(200)])
    body = answered(post(dated.test_client(), request(prefetch={"laboratory": some})))
    assert not_read(body)["laboratory"] == "cut-by-count"
