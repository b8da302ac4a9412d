"""Entries from which a computed fact ought to come out true, or false: one way for each formula.

A formula that is not here gets one value of its first analyte, and no more than that is proven of it.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from cds_service.rulebase.definitions import DerivedFact
from tests.properties.generated_entries import BASE, NOW, Json, Maker, native, quantity
from tests.properties.generated_values import first, near, ordinary, say

_POSITION = "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition"


def make(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Add what ought to give a computed fact this value; for some a false one is nothing."""
    way = _WAYS.get(definition.by)
    if way is not None:
        way(maker, definition, want)
    elif want:
        maker.doubtful(definition)


def _recently(maker: Maker) -> timedelta:
    return timedelta(hours=maker.chance.choice([1, 5, 30]))


def _sodium(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Sodium near its limit with a glucose of the same moment, which mostly corrects nothing."""
    sodium, glucose = definition.of
    ago = _recently(maker)
    say(maker, sodium, near(maker, definition, sodium, want), ago)
    say(maker, glucose, Decimal(maker.chance.choice(["5.5", "5.5", "30"])), ago)


def _paired(maker: Maker, definition: DerivedFact, want: bool) -> None:
    first, second = definition.of
    ago = _recently(maker)
    say(maker, first, ordinary(first), ago)
    limited = bool(definition.limits)
    say(maker, second, near(maker, definition, second, want) if limited else ordinary(second), ago)


def _ankle_over_arm(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """An ankle pressure close to the limit, with an arm pressure of the same moment."""
    ankle, arm = definition.of
    limit = BASE.thresholds[definition.limits[0].threshold].single()
    base, ago = ordinary(arm), _recently(maker)
    say(maker, arm, base, ago)
    say(maker, ankle, base * limit + maker.chance.choice([-3, -1] if want else [0, 2, 30]), ago)


def _fallen_on_exercise(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """An index after exercise close to the limit, with one at rest of the same moment."""
    after, rest = definition.of
    limit = BASE.thresholds[definition.limits[0].threshold].single()
    base, ago = ordinary(rest), _recently(maker)
    kept = (100 - limit - maker.chance.choice([1, 5] if want else [0, -5])) / 100
    say(maker, rest, base, ago)
    say(maker, after, base * kept, ago)


def _of_one_sample(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Every input at one moment; the first is far from ordinary where the result ought to be high."""
    ago = _recently(maker)
    strange = {"sodium": Decimal(155), "creatinine": Decimal(40)}
    for name in definition.of:
        usual = ordinary(name)
        say(maker, name, strange.get(name, usual) if want else usual, ago)


def _standing_up(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Lying (or sitting), and standing two minutes later; the change lies near the limit."""
    name = definition.of[0]
    limit = BASE.thresholds[definition.limits[0].threshold].single()
    base = limit if definition.by == "postural-base" else ordinary(name)
    change = limit + maker.chance.choice([0, 5]) if want else limit - maker.chance.choice([1, 5])
    later = base + change if definition.by == "postural-rise" else base - change
    ago = timedelta(hours=maker.chance.choice([1, 3]))
    rest = "posture-sitting" if definition.by.endswith("sitting") else "posture-lying"
    for position, value, when in (
        (rest, base, ago),
        ("posture-standing", later, ago - timedelta(minutes=2)),
    ):
        if value > 0:
            say(maker, name, value, when, extension=[_position(maker, position)])


def _position(maker: Maker, name: str) -> Json:
    known = [one for one in BASE.code_sets[name].concepts if "snomed" in one.system]
    chosen = maker.chance.choice(known)
    concept = {"coding": [{"system": chosen.system, "code": chosen.code}]}
    return {"url": _POSITION, "valueCodeableConcept": concept}


def _course(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A value of some days ago and one of now: up or down by about as much as the limit says."""
    name = definition.of[0]
    before = ordinary(name)
    factor = Decimal(maker.chance.choice(["1.5", "2", "3.2"] if want else ["1", "1.2", "1.49"]))
    down = definition.by in ("fall", "weight-loss")
    now = before / factor if down else before * factor
    say(maker, name, before, timedelta(days=maker.chance.choice([1, 4, 6])))
    say(maker, name, now.quantize(Decimal("0.1")), timedelta(hours=1))


def _sides(maker: Maker, definition: DerivedFact, want: bool) -> None:
    name = definition.of[0]
    left, right = Decimal(40), Decimal(40 - (4 if want else 1))
    sites = {
        one.side: {"coding": [{"system": one.system, "code": one.code}]}
        for one in maker.sites()
        if one.side in ("left", "right")
    }
    for side, value in (("left", left), ("right", right)):
        if side in sites:
            say(maker, name, value, timedelta(hours=2), bodySite=sites[side])


def _began(maker: Maker, definition: DerivedFact, want: bool) -> None:
    medicines, *symptoms = definition.of
    _, code = maker.coded((medicines,))
    days = maker.chance.choice([100, 300] if want else [0, 1])
    maker.add(
        "medicationRequests",
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=code,
        authoredOn=(NOW - timedelta(days=days)).date().isoformat(),
    )
    maker.bottom(maker.chance.choice(symptoms), True)


def _onsets(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """What began; when it did is chance."""
    if want:
        for name in definition.of:
            maker.bottom(name, True)


def _filtered(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """An eGFR near its limit, or a creatinine from which one is computed; sometimes both."""
    egfr, creatinine = definition.of[:2]
    ago = _recently(maker)
    way = maker.chance.choice(["reported", "computed", "both"])
    if way != "computed":
        value = near(maker, definition, egfr, want) if definition.limits else ordinary(egfr)
        say(maker, egfr, value, ago)
    if way != "reported":
        say(maker, creatinine, Decimal(400 if want else 60), ago - timedelta(minutes=30))


def _albumin(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A total near the limit with an ordinary albumin, or a value that the laboratory corrected."""
    total, own, albumin = definition.of
    ago = timedelta(days=20) if definition.older_than else _recently(maker)
    low, high = (Decimal("1.7"), Decimal("3.6"))
    aims_low = any(one.how in ("below", "at-most") for one in definition.limits)
    value = low if aims_low is want else high if definition.limits else Decimal("2.4")
    name = maker.chance.choice([total, own])
    say(maker, name, value, ago)
    if name == total:
        say(maker, albumin, Decimal(40), ago)


def _newest_kind(maker: Maker, definition: DerivedFact, want: bool) -> None:
    first, *others = definition.of
    say(maker, first, ordinary(first), timedelta(hours=1 if want else 60))
    say(maker, maker.chance.choice(others), ordinary(others[0]), timedelta(hours=30))


def _fresh(maker: Maker, definition: DerivedFact, want: bool) -> None:
    name = definition.of[0]
    say(maker, name, ordinary(name), timedelta(hours=1) if want else timedelta(days=45))


def _dose(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A medicine in milligrams once or twice a day, near the limit; now and then as needed."""
    _, code = maker.coded(definition.of)
    limit = BASE.thresholds[definition.limits[0].threshold].single()
    times = maker.chance.choice([1, 2])
    daily = limit if want else limit - Decimal(maker.chance.choice(["0.1", "1"]))
    dosage: Json = {
        "doseAndRate": [{"doseQuantity": {"value": daily / times, "unit": "mg"}}],
        "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
    }
    if maker.chance.random() < 0.1:
        dosage["asNeededBoolean"] = True
    maker.add(
        "medicationRequests",
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=code,
        authoredOn=(NOW - timedelta(days=maker.chance.choice([3, 60]))).date().isoformat(),
        dosageInstruction=[dosage],
    )


def _dimer(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A value well below, or well above, the limit of any age; for the limit itself any value."""
    limit = BASE.thresholds[definition.parameters["limit"]].single()
    low = definition.by == "age-limit" or any(one.how == "below" for one in definition.limits) is want
    name = definition.of[0]
    say(maker, name, limit / 2 if low else limit * 3, timedelta(hours=maker.chance.choice([1, 5, 30])))


def _product(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Two values of one moment whose product is small, or of which the first is nought."""
    first, second = definition.of
    ago = _recently(maker)
    small = maker.chance.choice([Decimal(0), Decimal(1)])
    say(maker, first, small if want else Decimal(6), ago)
    if want and not small and maker.chance.random() < 0.5:
        return
    say(maker, second, Decimal(20) if want else Decimal(60), ago)


def _begun(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A medicine of some days ago, or of so long that it is no new one."""
    _, code = maker.coded((definition.of[0],))
    days = maker.chance.choice([0, 5, 30] if want else [31, 200])
    maker.add(
        "medicationRequests",
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=code,
        authoredOn=(NOW - timedelta(days=days)).date().isoformat(),
    )


def _recorded(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A diagnosis of today, or of years ago, and a complaint."""
    diagnoses, *complaints = definition.of
    _, code = maker.coded((diagnoses,))
    days = 0 if want else 3000
    maker.add(
        "conditions",
        "Condition",
        code=code,
        clinicalStatus={"coding": [{"code": "active"}]},
        recordedDate=(NOW - timedelta(days=days)).date().isoformat(),
    )
    maker.bottom(maker.chance.choice(complaints), True)


def _repeated(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A result with its range, or an order, of some days ago; else of years ago."""
    _, code = maker.coded((definition.of[0],))
    when = (NOW - timedelta(days=3 if want else 2000)).isoformat()
    if definition.by == "ordered-before":
        maker.add(
            "serviceRequests",
            "ServiceRequest",
            status="active",
            intent="order",
            code=code,
            authoredOn=when,
        )
        return
    limit = {"value": 5, "unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"}
    maker.add(
        "laboratory",
        "Observation",
        status="final",
        code=code,
        effectiveDateTime=when,
        valueQuantity={**limit, "value": maker.chance.choice([4, 5, 6])},
        referenceRange=[{"high": limit}],
    )


def _risen(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Two values some weeks apart, the later one higher by about the limit."""
    name = definition.of[0]
    size = native(definition.limits[0].threshold, BASE.analytes[name], first(BASE.analytes[name]))
    before = BASE.analytes[name].plausible[0] + 2
    say(maker, name, before, timedelta(days=20))
    say(maker, name, before + (size if want else size - Decimal("0.5")), timedelta(hours=1))


def _twice(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """Two values far apart, high by any limit or by none, each with a range of its own."""
    name = definition.of[0]
    analyte = BASE.analytes[name]
    low, high = analyte.plausible_limit or analyte.plausible
    bound = (low * 3 + high) / 4
    ranged = definition.by == "twice-upper-limit"
    value = bound * 2 if ranged else near(maker, definition, name, want)
    value = value if want else min(value, bound)
    upper = [{"high": quantity(maker.chance, bound, first(analyte))}]
    for days in (150, 2):
        say(maker, name, value, timedelta(days=days), referenceRange=upper)


def _fallen_since_end(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A medicine that ended six weeks ago, a value of then and one of now."""
    name, medicine = definition.of
    _, code = maker.coded((medicine,))
    maker.add(
        "medicationRequestsEnded",
        "MedicationRequest",
        status="stopped",
        intent="order",
        medicationCodeableConcept=code,
        authoredOn=(NOW - timedelta(days=300)).date().isoformat(),
        dispenseRequest={"validityPeriod": {"end": (NOW - timedelta(days=42)).date().isoformat()}},
    )
    say(maker, name, Decimal(3000), timedelta(days=42))
    say(maker, name, Decimal(400 if want else 2900), timedelta(hours=1))


def _near_in_time(maker: Maker, definition: DerivedFact, want: bool) -> None:
    """A value, and a result of the other set some days before it."""
    name, other = definition.of
    say(maker, name, ordinary(name), timedelta(days=1))
    _, code = maker.coded((other,))
    maker.add(
        "laboratory",
        "Observation",
        status="final",
        code=code,
        effectiveDateTime=(NOW - timedelta(days=5 if want else 60)).isoformat(),
    )


def _sound(maker: Maker, definition: DerivedFact, want: bool) -> None:
    maker.bottom(definition.of[0], want)


_WAYS: Mapping[str, Callable[[Maker, DerivedFact, bool], None]] = {
    "age-limit": _dimer,
    "ankle-arm-index": _ankle_over_arm,
    "ankle-arm-index-rounded": _ankle_over_arm,
    "age-at-onset": _onsets,
    "as-new-as": _newest_kind,
    "began-before": _began,
    "begun-within": _begun,
    "began-soon-after": _onsets,
    "calculated-osmolarity": _of_one_sample,
    "corrected-calcium": _albumin,
    "corrected-sodium": _sodium,
    "corrected-sodium-katz": _sodium,
    "egfr": _filtered,
    "daily-dose": _dose,
    "fall-after-exercise": _fallen_on_exercise,
    "done-near": _near_in_time,
    "fall": _course,
    "fallen-since-end": _fallen_since_end,
    "fresh-result": _fresh,
    "glucose-correction": _paired,
    "glucose-correction-katz": _paired,
    "in-range": _repeated,
    "newest-result": _repeated,
    "ordered-before": _repeated,
    "paired-value": _paired,
    "postural-base": _standing_up,
    "postural-fall-lying": _standing_up,
    "postural-fall-sitting": _standing_up,
    "postural-rise": _standing_up,
    "product": _product,
    "recorded-since": _recorded,
    "rise": _risen,
    "rise-within": _course,
    "side-difference": _sides,
    "sound-sample": _sound,
    "times-age-limit": _dimer,
    "times-baseline": _course,
    "twice": _twice,
    "twice-upper-limit": _twice,
    "urea-creatinine": _of_one_sample,
    "weight-loss": _course,
}
