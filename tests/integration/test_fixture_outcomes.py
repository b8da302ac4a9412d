"""What each rule makes of each fixture patient, reasoned from the clinical reference.

The way is that of a request: bundle → hook request → parse → prefetch → answer. The table says what
the reference asks for, not what the engine happens to do.
"""

from datetime import UTC, datetime
from functools import cache

import pytest

from cds_service import content
from cds_service.cases import fixtures
from cds_service.decision import Decision, History, Policy, answer
from cds_service.facts.model import Reason
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from cds_service.rulebase.loader import examine
from cds_service.rulebase.model import RuleBase

FOLDER = content.folder("fhir_fixtures")
NAMES = fixtures.names(FOLDER)
HOOKS = ("patient-view", "encounter-start", "order-select", "order-sign")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
# A rule about the patient is asked at both hooks, and what it says does not depend on which.
SAME_AS = {"encounter-start": "patient-view"}
OTHER_NOWS = [
    datetime(2026, 11, 22, 0, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2031, 7, 1, 23, 59, 59, tzinfo=UTC),
]

PAD_01, PAD_05, PAD_06 = (
    "pad-01-resting-abi",
    "pad-05-limb-threatening-ischaemia",
    "pad-06-acute-limb-ischaemia",
)
DVT_01, DVT_03, VEN_01 = (
    "dvt-01-wells-likely",
    "dvt-03-wells-undecided",
    "ven-01-reflux-duplex",
)
SHOWN = ("card", "merged", "folded")
K_01, LAB_01 = "k-01-low-potassium", "lab-01-sample-guard"
NA_01 = "na-01-low-sodium"
DEH_01, DEH_02 = "deh-01-laboratory-dehydration", "deh-02-orthostatic-volume-loss"
N_01, J_04 = "n01-cauda-equina", "j04-oa-imaging-guard"
M_01, M_04 = "m01-statin-muscle-symptoms", "m04-rhabdomyolysis"
N_04, N_07 = "n04-lumbar-imaging-guard", "n07-lumbar-stenosis"

Line = tuple[str, str, str, str]  # outcome, indicator, side, shown
SILENT: Line = ("silent", "", "", "nothing")
UNKNOWN: Line = ("unknown", "", "", "nothing")


def card(indicator: str, side: str = "") -> Line:
    """Fires and is shown as a card of its own."""
    return ("fires", indicator, side, "card")


# (patient, hook) → rule → what the reference says. Rules that are not named show no card; patients
# and hooks that are not named have no card at all.
EXPECTED: dict[tuple[str, str], dict[str, Line]] = {
    # A 3.1 PAD-01: tier S and at risk (65 or over), no ABI: info. The pattern of an artery is not
    # settled (calf? standing still?), so no warning yet. B 9: on a statin since before, no CK: M01 too.
    ("pad-risk", "patient-view"): {
        PAD_01: card("info"),
        M_01: card("info"),
        PAD_06: SILENT,
        K_01: SILENT,
    },
    # A 2.1: the reason of the encounter is the complaint (tier S), with nothing on the problem list.
    # At risk by age and smoking, no ABI.
    ("encounter-reason", "patient-view"): {PAD_01: card("info"), PAD_06: SILENT, K_01: SILENT},
    # A 3.1 PAD-01: "AND NOT done(ABI)", and unknown AND false is false: silent, not unknown. The CK
    # was measured since the legs became heavy: M01 unless ck-since-onset. Walking brings it on and the
    # artery is settled: B 9 row 10, "ask the missing items; no MRI yet": N07 asks.
    ("pad-done", "patient-view"): {PAD_01: SILENT, M_01: SILENT, N_07: ("unknown", "info", "", "card")},
    # A 5.1: one item yes, the rest never asked: from -1 to 9, so DVT-03 asks; DVT-01 is unknown.
    # rules-a, PAD-01: "O-ABI blocked by its gate: the DVT card shows instead". At order-sign: manage
    # as likely.
    ("pad-swollen-calf", "patient-view"): {
        DVT_03: card("warning", "left"),
        DVT_01: UNKNOWN,
        PAD_01: ("fires", "warning", "", "yielded"),
        PAD_06: SILENT,
    },
    ("pad-swollen-calf", "order-sign"): {DVT_03: card("warning", "left")},
    # A-C6: cancer in treatment, calf exactly 3.0 cm larger, tender: 3, critical, left. ABI is normal.
    ("dvt-likely", "patient-view"): {
        DVT_01: card("critical", "left"),
        DVT_03: SILENT,
        PAD_01: SILENT,
        PAD_06: SILENT,
        VEN_01: SILENT,
    },
    # A 3.3 DVT-01: "if scan negative: D-dimer". The score is decided, so DVT-03 has nothing to ask.
    ("dvt-scanned", "patient-view"): {DVT_01: card("warning", "right"), DVT_03: SILENT},
    # A-C17b: C2, symptomatic, duplex 366 days ago: info. No risk of artery disease, pulses present.
    ("varicose-veins", "patient-view"): {
        VEN_01: card("info", "unknown"),
        DVT_01: SILENT,
        DVT_03: SILENT,
    },
    # A 3.1 PAD-05, A-C4: tissue loss and toe pressure below 30 on the right: critical there; the left
    # has no wound. ABI done and low: PAD-01 has nothing to say.
    ("critical-limb", "patient-view"): {PAD_05: card("critical", "right"), PAD_01: SILENT, K_01: SILENT},
    # A 3.1 PAD-06, A-C5: sudden onset and two signs or more: critical, and alone; PAD-01
    # says nothing routine while the limb may be in danger.
    ("acute-limb", "patient-view"): {
        PAD_06: card("critical", "left"),
        PAD_01: SILENT,
        PAD_05: SILENT,
        K_01: SILENT,
    },
    # A 3.5 K-01: below 2.5 critical (2.5 exactly is moderate, A-C9a); below 3.0 critical with digoxin
    # and the like (A-C9b); else warning; 3.3 and 3.4 info; from 3.5 nothing. A 46-year-old without a
    # risk factor: no PAD-01.
    ("k-2-4", "patient-view"): {K_01: card("critical"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-2-49", "patient-view"): {K_01: card("critical"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-2-5", "patient-view"): {K_01: card("warning"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-2-99", "patient-view"): {K_01: card("warning"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-3-0", "patient-view"): {K_01: card("warning"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-3-29", "patient-view"): {K_01: card("warning"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-3-3", "patient-view"): {K_01: card("info"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-3-49", "patient-view"): {K_01: card("info"), PAD_01: SILENT, LAB_01: SILENT},
    ("k-3-5", "patient-view"): {K_01: SILENT, PAD_01: SILENT, LAB_01: SILENT},
    ("k-2-99-digoxin", "patient-view"): {K_01: card("critical"), PAD_01: SILENT},
    ("k-3-0-digoxin", "patient-view"): {K_01: card("warning"), PAD_01: SILENT},
    # A 3.5 LAB-01, A-C10: a haemolysed 6.2 is a warning (there by K-02, which is not built). It is at
    # most 6.2, so whether it is low stays open.
    ("haemolysed-k", "patient-view"): {LAB_01: card("warning"), K_01: UNKNOWN, PAD_01: SILENT},
    # A 3.5 NA-01: below 120 is critical; glucose 6.1 corrects it to 118.3 only. An index of 1.05 on both
    # legs is on file in all of these: no PAD-01. No standing values: DEH-02 is not known.
    ("na-118", "patient-view"): {
        NA_01: card("critical"),
        K_01: SILENT,
        PAD_01: SILENT,
        DEH_01: UNKNOWN,
        DEH_02: UNKNOWN,
    },
    # Reconciliation 5 #8, A-C11: explained by glucose, and the glucose of 30 mmol/L is the warning.
    # DEH-01 has no measured osmolality, and the calculated one is not used above 10 mmol/L.
    ("na-128-glucose", "patient-view"): {NA_01: card("warning"), K_01: SILENT, DEH_01: UNKNOWN},
    # A-C12: endurance effort, low sodium, confusion.
    ("marathon-sodium", "patient-view"): {NA_01: card("critical"), DEH_01: UNKNOWN, K_01: SILENT},
    # A 3.6 DEH-01 (a): measured above 300 with glucose 6. Sodium 146 is high, not low.
    ("osmolality-312", "patient-view"): {DEH_01: card("warning"), NA_01: SILENT, DEH_02: UNKNOWN},
    # A-C13: 298 is impending; urine and urea are ignored from 65 on.
    ("osmolality-298", "patient-view"): {DEH_01: card("info"), NA_01: SILENT, PAD_01: SILENT},
    # A-C16: systolic falls by 20 exactly, the heart rate rises by 32. No chemistry: NA-01 is not known.
    ("standing-up", "patient-view"): {DEH_02: card("warning"), DEH_01: UNKNOWN, NA_01: UNKNOWN},
    # A 3.6 DEH-02: a fall of 36 and a rise of 6: autonomic rather than volume.
    ("standing-up-autonomic", "patient-view"): {DEH_02: card("warning"), NA_01: SILENT},
    # B 5 rf-ces: saddle numbness alone suffices. No potassium on record: K-01 unknown, and silent.
    ("cauda-equina", "patient-view"): {N_01: card("critical"), K_01: UNKNOWN, PAD_01: SILENT},
    # B 7.4 J04: MRI as the first image at 45 or over, nothing atypical: warning; never at patient-view.
    ("knee-oa-order", "patient-view"): {J_04: ("silent", "", "", "not-this-hook")},
    ("knee-oa-order", "order-select"): {J_04: card("warning")},
    ("knee-oa-order", "order-sign"): {J_04: card("warning")},
    # B 7.3 N04, B-C04: less than 42 days, every red flag denied: warning at both order hooks, never when
    # the chart opens. No sign of the cauda equina, so N01 has nothing to say.
    ("sciatica-early-mri", "patient-view"): {N_04: ("silent", "", "", "not-this-hook"), N_01: SILENT},
    ("sciatica-early-mri", "order-select"): {N_04: card("warning"), J_04: SILENT},
    ("sciatica-early-mri", "order-sign"): {N_04: card("warning"), J_04: SILENT},
    # B-C05: nobody asked: the guard advises against nothing and asks. One leg: N01 has no question.
    ("sciatica-red-flags-unasked", "patient-view"): {N_01: UNKNOWN},
    ("sciatica-red-flags-unasked", "order-select"): {N_04: ("unknown", "info", "", "card")},
    ("sciatica-red-flags-unasked", "order-sign"): {N_04: ("unknown", "info", "", "card")},
    # B-C19: by the diagnosis, score 5 to 10; the ankle index is done since the onset: PAD-01 silent.
    ("stenosis-score", "patient-view"): {N_07: card("info"), PAD_01: SILENT, N_01: UNKNOWN},
    # B 9 row 6 and reconciliation 6: 9 points; 65 or over, no ankle index: each its own card.
    ("artery-or-spine", "patient-view"): {N_07: card("info"), PAD_01: card("info"), PAD_06: SILENT},
    # A 3.1 PAD-01 "Missing": risk unknown at 53 or 54: ask, no order.
    ("symptom-no-data", "patient-view"): {
        PAD_01: ("unknown", "info", "", "card"),
        K_01: UNKNOWN,
        PAD_05: SILENT,
        PAD_06: SILENT,
        LAB_01: SILENT,
    },
    # Age and hypertension are a risk, but nobody complains: A 3.1 needs HL.
    ("no-symptom", "patient-view"): {
        PAD_01: SILENT,
        PAD_05: SILENT,
        PAD_06: SILENT,
        K_01: SILENT,
        LAB_01: SILENT,
    },
    # Heavy legs at 70 or 71 (code in an entry without clinicalStatus): PAD-01. The newest potassium is
    # in mg/dL: never guessed, K-01 unknown (A 2.4 #6).
    # A 2.4 item 6: a result that cannot be read (3.1 mg/dL) is said on a card. On a statin, no CK: M01.
    ("messy", "patient-view"): {
        PAD_01: card("info"),
        M_01: card("info"),
        K_01: ("unknown", "info", "", "card"),
        LAB_01: SILENT,
    },
    # A 2.2, A-C20: comfort care takes every information card away; 3.4 is one (3.3 to 3.4, no modifier).
    ("comfort-care", "patient-view"): {
        PAD_01: ("fires", "info", "", "withheld"),
        K_01: ("fires", "info", "", "withheld"),
    },
    # A 2.2: deceased: nothing is assessed, critical or not.
    ("deceased", "patient-view"): {
        PAD_01: ("fires", "info", "", "not-assessed"),
        K_01: ("fires", "critical", "", "not-assessed"),
        N_01: ("unknown", "", "", "not-assessed"),
    },
    # B 7.2 M01: calf pain two months after the statin began, no CK since: info (power and pain score,
    # which would make it a warning, are not known). No CK: M04 open.
    ("statin-calf-pain", "patient-view"): {M_01: card("info"), M_04: UNKNOWN},
    # B 7.2 M04: 47 times the upper limit, muscle pain, statin, kidney injury (168 is more than twice the
    # median of 8 to 365 days, 82). CK was measured since: M01 silent. Potassium is high, not low.
    ("rhabdomyolysis", "patient-view"): {M_04: card("critical"), M_01: SILENT, K_01: SILENT},
    # B-C03: 15 times the upper limit 21 days ago, no later CK: warning. CK since the onset: M01 silent.
    ("ck-not-followed", "patient-view"): {M_04: card("warning"), M_01: SILENT, K_01: UNKNOWN},
    # B-C02: 7 times with a muscle symptom, kidney and urine not known: a warning (until M02).
    ("ck-seven-times", "patient-view"): {M_04: card("warning"), M_01: SILENT},
    # B 7.2 M04 level 2: dark urine with weakness after exercise, no CK. Nobody has a statin.
    ("dark-urine", "patient-view"): {M_04: card("critical"), M_01: SILENT, K_01: UNKNOWN},
}


@cache
def rule_base() -> RuleBase:
    built, problems = examine(content.texts(content.folder("cards")), check_lock=False)
    assert built is not None, problems
    return built


@cache
def decided(name: str, hook: str, now: datetime) -> Decision:
    service = rule_base().services_for(hook)[0]
    bundle = fixtures.shifted(fixtures.load(FOLDER, name), now)
    body = fixtures.encoded(fixtures.hook_request(bundle, service))
    parsed = requests.parse(body, service=service.id, hook=hook)
    evidence = prefetch.read(
        parsed.prefetch,
        service.prefetch,
        parsed.question.patient,
        parsed.draft_orders,
        parsed.question.encounter,
    )
    policy = Policy(evaluation=True)
    return answer(parsed.question, evidence, rule_base(), now, UTC, History(), policy)


def lines(decision: Decision) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for one in decision.findings:
        line = (one.outcome, one.indicator or "", one.side, one.shown)
        found.setdefault(one.rule, []).append(line)
    return found


def orders(decision: Decision, rule: str) -> tuple[str, ...]:
    return next(tuple(one.orders) for one in decision.carded if one.finding.rule == rule)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_is_that_of_the_reference(name: str, hook: str) -> None:
    expected = EXPECTED.get((name, SAME_AS.get(hook, hook)), {})
    found = lines(decided(name, hook, NOW))
    assert {rule: found[rule] for rule in expected} == {rule: [line] for rule, line in expected.items()}
    shown = {rule for rule, all_ in found.items() if any(line[3] in SHOWN for line in all_)}
    assert shown == {rule for rule, line in expected.items() if line[3] in SHOWN}
    assert not any(line[0] == "failed" for all_ in found.values() for line in all_)


def test_the_table_names_patients_that_are_there_and_leaves_none_out() -> None:
    assert {name for name, _ in EXPECTED} == set(NAMES)


@pytest.mark.parametrize("now", OTHER_NOWS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_does_not_depend_on_the_day(name: str, now: datetime) -> None:
    for hook in HOOKS:
        assert lines(decided(name, hook, now)) == lines(decided(name, hook, NOW))


@pytest.mark.parametrize(
    ("name", "hook", "rule", "first"),
    [
        ("pad-risk", "patient-view", PAD_01, "resting-abi"),
        ("k-2-4", "patient-view", K_01, "ecg"),
        ("dvt-likely", "patient-view", DVT_01, "leg-vein-ultrasound"),
        ("dvt-scanned", "patient-view", DVT_01, "d-dimer"),
        ("pad-swollen-calf", "patient-view", DVT_03, "wells-questions"),
        ("varicose-veins", "patient-view", VEN_01, "venous-duplex"),
        ("statin-calf-pain", "patient-view", M_01, "creatine-kinase"),
        ("dark-urine", "patient-view", M_04, "creatine-kinase-now"),
        ("cauda-equina", "patient-view", N_01, "lumbar-mri-emergency"),
        ("knee-oa-order", "order-sign", J_04, "exercise-programme"),
        ("sciatica-early-mri", "order-sign", N_04, "physiotherapy-back"),
        ("sciatica-red-flags-unasked", "order-select", N_04, "cauda-equina-questions"),
        ("stenosis-score", "patient-view", N_07, "stenosis-questions"),
        ("artery-or-spine", "patient-view", N_07, "exercise-stenosis"),
        ("artery-or-spine", "patient-view", PAD_01, "resting-abi"),
    ],
)
def test_the_first_order_offered(name: str, hook: str, rule: str, first: str) -> None:
    offered = orders(decided(name, hook, NOW), rule)
    assert any(one.startswith(first) for one in offered[:1]), offered


def test_a_critical_card_stands_alone_where_the_leg_is_at_stake() -> None:
    assert len(decided("acute-limb", "patient-view", NOW).cards) == 1


def test_the_index_is_withheld_while_a_clot_is_not_excluded() -> None:
    for hook in ("patient-view", "order-sign"):
        found = decided("pad-swollen-calf", hook, NOW)
        assert found.facts.value("dvt-not-excluded") is True
        assert not any("resting-abi" in one.orders for one in found.carded)


def test_the_index_is_not_withheld_where_signs_of_a_clot_were_looked_for() -> None:
    assert decided("pad-risk", "patient-view", NOW).carded[0].withheld == {}


def test_a_scan_is_ordered_for_the_leg_that_is_named() -> None:
    (made,) = [
        one.card
        for one in decided("dvt-likely", "patient-view", NOW).carded
        if one.finding.rule == DVT_01
    ]
    ordered = made.suggestions[0].actions[0].resource
    assert ordered is not None
    assert [one["code"] for one in ordered["code"]["coding"]] == ["48692-8"]
    assert ordered["priority"] == "stat"


def test_nothing_is_ordered_for_want_of_data() -> None:
    offered = orders(decided("symptom-no-data", "patient-view", NOW), PAD_01)
    assert {rule_base().orders[one].kind for one in offered} <= {"questionnaire"}


def test_what_would_make_a_low_potassium_critical_is_named_below_3() -> None:
    missing = {
        name: next(
            one.missing for one in decided(name, "patient-view", NOW).findings if one.rule == K_01
        )
        for name in ("k-2-99", "k-3-0")
    }
    assert missing == {"k-2-99": ("qtc-over-500",), "k-3-0": ()}


def test_what_cannot_be_used_of_a_messy_record_is_said() -> None:
    facts = decided("messy", "patient-view", NOW).facts
    assert set(facts.undelivered) == {
        ("Observation/messy-k-wrong-type", "unreadable"),
        ("laboratory", "other-patient: 1 dropped"),
    }
    assert facts.fact("potassium-low").reason is Reason.UNIT_NOT_DECLARED
    assert facts.fact("potassium-low").data[0].text == "3.1 mg/dL"
    assert facts.fact("claudication-coded").value is False  # entered in error
    assert facts.fact("diabetes").value is False  # refuted
    assert facts.fact("abi-done").value is False  # a Procedure without a status


def test_hidden_characters_and_markup_do_not_reach_a_card() -> None:
    for one in decided("messy", "patient-view", NOW).cards:
        assert not any(sign in one.summary + one.detail for sign in "\u200b\u202a\u202c\u202e")
        assert "<script>" not in one.detail
        assert "](http" not in one.detail


def test_nothing_of_a_deceased_patient_is_shown() -> None:
    found = decided("deceased", "patient-view", NOW)
    assert {one.shown for one in found.findings if one.shown != "not-this-hook"} == {"not-assessed"}
    assert found.cards == ()
