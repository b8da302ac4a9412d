"""What one client has chosen holds for it alone, and what is its own stays its own (requirement 109).

Every call is made over HTTP with a token of the client: nothing here is set from inside.
"""

import pytest
from flask import Flask

from tests.conformance.calls import (
    HOOKS,
    PATIENT,
    Json,
    answered,
    bundle,
    knee_order,
    potassium,
    refused,
    request,
    rule,
)
from tests.conformance.conftest import MakeApp
from tests.conformance.ehrs import (
    BASE,
    HEAVY,
    PAD,
    TESTS,
    Ehr,
    Known,
    clients_file,
    events,
    mild,
    newest,
    said,
    topics,
)

EPIC = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
REASONS = "urn:oid:2.999.17"
LATER = {"org.heavylegs.now": "2027-03-02T12:00:00Z"}  # 100 days after NOW
ENTRIES: dict[str, Json] = {
    "north": {"tenants": ["a", "b"], "evaluation": True},
    "south": {"evaluation": True},
    "narrow": {"services": ["heavy-legs-patient-view", "heavy-legs-order-sign"]},
    "capped": {"cards": 1, "evaluation": True},
    "watching": {"silent-mode": True, "evaluation": True},
    "without": {
        "evaluation": True,
        "rules": {"off": ["k-01-low-potassium"], "silent": ["mg-01-low-magnesium"]},
    },
    "tuned": {
        "evaluation": True,
        "zone": "America/Chicago",
        "intent": "plan",
        "thresholds": {"potassium-low": {"mmol/L": 3.6}},
        "order-codes": {
            "magnesium": [{"system": EPIC, "code": "4711", "display": "Magnesium, venous"}],
            "knee-mri": [{"system": EPIC, "code": "4712", "display": "MRI knee"}],
        },
        "override-reasons": {
            "17": "patient-refuses",
            "18": {"reason": "action-completed", "system": REASONS},
        },
    },
}
OFF = {"silent": ["tip-ex-exercise"]}


@pytest.fixture(scope="module")
def app(make_app: MakeApp, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    file = clients_file(tmp_path_factory.mktemp("clients"), ENTRIES, off=OFF)
    return make_app(demo=False, auth="required", public_url=BASE, clients=file)


@pytest.fixture
def ehr(app: Flask) -> Known:
    return lambda name, tenant="": Ehr(app.test_client(), name, tenant)


def line(event: Json, name: str) -> Json:
    (found,) = (one for one in event["evaluation"] if one["rule"] == name)
    return dict(found)


# --- services, cards, zone -------------------------------------------------------------------------


def test_discovery_lists_a_client_s_own_services(ehr: Known) -> None:
    everything = {one["hook"] for one in answered(ehr("south").discovery())["services"]}
    own = {one["hook"] for one in answered(ehr("narrow").discovery())["services"]}

    assert everything == set(HOOKS)
    assert own == {"patient-view", "order-sign"}


@pytest.mark.requirement(12)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_client_calls_the_services_it_was_given(ehr: Known, app: Flask, hook: str) -> None:
    found = ehr("narrow").post(request(hook), hook)
    if hook in ("patient-view", "order-sign"):
        answered(found)
        return
    issue = refused(found, 404)
    assert "heavy-legs-patient-view" in issue["diagnostics"]
    assert f"heavy-legs-{hook}" not in issue["diagnostics"]
    assert refused(ehr("narrow").feedback(said("c-1"), hook=hook), 404)
    event = newest(app, "refused")
    # The operator sees which service it was; the caller is told as for one that there is not.
    assert (event["client"], event["service"]) == ("narrow", f"heavy-legs-{hook}")


def test_at_most_as_many_cards_as_the_client_wants(ehr: Known) -> None:
    assert len(answered(ehr("south").post(mild()))["cards"]) > 1
    few = answered(ehr("capped").post(mild()))
    assert [card["indicator"] for card in few["cards"]] == ["warning"]
    assert rule(few, "pad-01-resting-abi")["shown"] == "folded"
    # A critical card has no cap.
    assert [card["indicator"] for card in answered(ehr("capped").post(mild(2.4)))["cards"]] == [
        "critical"
    ]


def test_dates_are_in_the_zone_of_the_client(ehr: Known, app: Flask) -> None:
    asked = mild()
    sample = asked["prefetch"]["laboratory"]["entry"][0]["resource"]
    sample["effectiveDateTime"] = "2026-11-22T03:00:00Z"  # the evening before, in Chicago
    assert "this morning" in answered(ehr("south").post(asked))["cards"][0]["summary"]
    assert "yesterday" in answered(ehr("tuned").post(asked))["cards"][0]["summary"]
    assert newest(app, "answered")["zone"] == "America/Chicago"


def test_orders_have_the_intent_of_the_client(ehr: Known) -> None:
    for name, intent in (("tuned", "plan"), ("south", "proposal")):
        body = answered(ehr(name).post(mild()))
        intents = {
            action["resource"]["intent"]
            for card in body["cards"]
            for suggestion in card.get("suggestions", ())
            for action in suggestion["actions"]
            if action["resource"]["resourceType"] == "ServiceRequest"
        }
        assert intents == {intent}


def test_the_evaluation_is_for_who_wants_it(ehr: Known) -> None:
    assert "extension" in answered(ehr("south").post(mild()))
    assert "extension" not in answered(ehr("narrow").post(mild()))


# --- the kill switch -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [2.4, 3.2])
def test_in_silent_mode_nothing_is_shown_and_all_is_audited(
    ehr: Known, app: Flask, value: float
) -> None:
    assert answered(ehr("watching").post(mild(value))) == {"cards": []}
    event = newest(app, "answered")
    assert event["client"] == "watching"
    found = line(event, "k-01-low-potassium")
    assert (found["outcome"], found["shown"], found["reason"]) == ("fires", "silent-mode", "client")
    assert "cards" not in event


def test_a_rule_that_is_off_says_nothing_and_its_line_says_why(ehr: Known, app: Flask) -> None:
    body = answered(ehr("without").post(mild(2.4)))

    assert "k01lowpotassiumcrit" not in topics(body)
    told = rule(body, "k-01-low-potassium")
    assert (told["shown"], told["reason"]) == ("not-assessed", "client: switched-off")
    written = line(newest(app, "answered"), "k-01-low-potassium")
    assert (written["shown"], written["reason"]) == ("not-assessed", "client: switched-off")
    # What it would have outranked is heard again.
    assert topics(body)
    assert list(topics(answered(ehr("south").post(mild(2.4))))) == ["k01lowpotassiumcrit"]


def test_a_rule_that_is_silent_is_worked_out_and_not_shown(ehr: Known) -> None:
    low = potassium(0.45, code={"coding": [{"system": "http://loinc.org", "code": "19123-9"}]})
    asked = request(prefetch={"conditions": bundle(HEAVY), "laboratory": bundle(low)})

    assert "mg01lowmagnesium" in topics(answered(ehr("south").post(asked)))
    body = answered(ehr("without").post(asked))
    assert "mg01lowmagnesium" not in topics(body)
    told = rule(body, "mg-01-low-magnesium")
    assert (told["outcome"], told["shown"], told["reason"]) == (
        "fires",
        "silent-mode",
        "client: this rule",
    )


def test_what_is_silent_for_all_is_silent_for_each(app: Flask) -> None:
    clients = app.extensions["cds"].clients
    assert all("tip-ex-exercise" in one.policy.silent for one in clients.known.values())


@pytest.mark.requirement(109)
def test_the_start_is_in_the_audit_with_what_is_kept_quiet(app: Flask) -> None:
    first = events(app, "configured")[0]

    assert first["silent"] == ["tip-ex-exercise"]
    by_name = {one["client"]: one for one in first["clients"]}
    assert by_name["without"]["off"] == ["k-01-low-potassium"]
    assert by_name["without"]["silent"] == ["mg-01-low-magnesium", "tip-ex-exercise"]
    assert by_name["watching"]["silentMode"] is True
    assert by_name["tuned"]["thresholds"] == {"potassium-low": {"mmol/L": "3.6"}}
    assert by_name["tuned"]["orders"] == ["knee-mri", "magnesium"]
    assert by_name["tuned"]["ruleBase"] != by_name["south"]["ruleBase"] == first["ruleBase"]["digest"]
    assert first["digest"] == app.extensions["cds"].clients.digest


# --- thresholds and codes --------------------------------------------------------------------------


def test_a_threshold_of_one_client_is_no_other_client_s(ehr: Known, app: Flask) -> None:
    theirs = answered(ehr("south").post(mild(3.55)))
    own = answered(ehr("tuned").post(mild(3.55)))

    assert "k01lowpotassium" not in topics(theirs)
    assert "k01lowpotassium" in topics(own)
    digests = {event["client"]: event["ruleBase"]["digest"] for event in events(app, "answered")}
    assert digests["tuned"] != digests["south"]
    card = next(one for one in own["cards"] if one["uuid"] == topics(own)["k01lowpotassium"])
    basis = card["extension"]["org.heavylegs.basis"]
    assert basis["ruleBase"]["digest"] == digests["tuned"]


def codings(body: Json, label: str) -> list[Json]:
    (found,) = (
        suggestion["actions"][0]["resource"]["code"]["coding"]
        for card in body["cards"]
        for suggestion in card.get("suggestions", ())
        if suggestion["label"] == label
    )
    return list(found)


@pytest.mark.requirement(95)
def test_a_client_s_own_code_stands_on_the_order_beside_the_standard_one(ehr: Known) -> None:
    theirs = codings(answered(ehr("south").post(mild(2.4))), "Order magnesium")
    own = codings(answered(ehr("tuned").post(mild(2.4))), "Order magnesium")

    assert own == [*theirs, {"system": EPIC, "code": "4711", "display": "Magnesium, venous"}]


@pytest.mark.requirement(95)
def test_a_client_s_own_order_is_recognised_by_that_code_alone(ehr: Known) -> None:
    ordered = {
        "resourceType": "ServiceRequest",
        "id": "sr-mg",
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-11-22",
        "code": {"coding": [{"system": EPIC, "code": "4711"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
    }
    asked = mild(2.4)
    asked["prefetch"]["serviceRequests"] = bundle(ordered)

    def offered(name: str) -> bool:
        cards = answered(ehr(name).post(asked))["cards"]
        labels = [one["label"] for card in cards for one in card.get("suggestions", ())]
        return "Order magnesium" in labels

    assert offered("south")
    assert not offered("tuned")


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_a_guard_knows_a_draft_by_the_client_s_code(ehr: Known, hook: str) -> None:
    asked = knee_order(hook)
    (entry,) = asked["context"]["draftOrders"]["entry"]
    entry["resource"]["code"] = {"coding": [{"system": EPIC, "code": "4712"}]}

    assert answered(ehr("south").post(asked, hook))["cards"] == []
    (card,) = answered(ehr("tuned").post(asked, hook))["cards"]
    assert card["summary"].startswith("Knee MRI")


# --- override reasons ------------------------------------------------------------------------------


@pytest.mark.requirement(34)
@pytest.mark.requirement(96)
def test_a_code_with_its_system_is_offered_in_place_of_ours(ehr: Known) -> None:
    def reasons(name: str) -> dict[str, tuple[str, str]]:
        cards = answered(ehr(name).post(mild()))["cards"]
        found = [one for card in cards for one in card["overrideReasons"]]
        return {one["display"]: (one["system"], one["code"]) for one in found}

    own, theirs = reasons("tuned"), reasons("south")
    assert own.keys() == theirs.keys()
    assert own["Already done"] == (REASONS, "18")
    assert theirs["Already done"][1] == "action-completed"
    # Without a system it is understood, and not offered.
    assert own["Patient declines"] == theirs["Patient declines"]


@pytest.mark.requirement(49)
def test_a_client_s_reason_counts_as_the_one_it_stands_for(ehr: Known, app: Flask) -> None:
    tuned = ehr("tuned")
    shown = topics(answered(tuned.post(mild())))
    epic = {"com.epic.cdshooks.feedback.overrideReason.code": "17"}
    answered(tuned.feedback(said(shown[PAD], overrideReasons={"extension": epic})))
    answered(tuned.feedback(said(shown[TESTS], "99")))
    first, second = events(app, "feedback")[-2:]

    assert (first["reason"], first["means"]) == ("17", "patient-refuses")
    assert (second["reason"][:1], second.get("means")) == ("~", None)
    at_once = topics(answered(tuned.post(mild(hookInstance="again"))))
    assert not {PAD, TESTS} & at_once.keys()
    # `patient-refuses` keeps information quiet for 180 days; a code that means nothing to us for 90.
    in_spring = topics(answered(tuned.post(mild(extension=LATER))))
    assert PAD not in in_spring
    assert TESTS in in_spring
