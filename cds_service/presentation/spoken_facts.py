"""The facts of one finding as its words need them: what each placeholder stands for."""

from cds_service.facts.model import Datum, Fact, FactSet, Side
from cds_service.fhir.dates import is_bound
from cds_service.presentation import moments
from cds_service.rulebase.definitions import DerivedFact, MeasurementFact
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Finding

_SIDES = {"left": "left leg", "right": "right leg", "both": "both legs"}


class Facts:
    """The facts of one finding as its words need them: by leg, with their definitions."""

    def __init__(self, facts: FactSet, rule_base: RuleBase, finding: Finding) -> None:
        """Choose the leg that the finding is about."""
        self.set = facts
        self.rule_base = rule_base
        self.finding = finding
        self.sides: tuple[Side, ...] = _legs(finding, facts)

    def fact(self, name: str) -> Fact:
        """The fact on the finding's leg; with both legs, whichever has data."""
        found = [self.set.fact(name, side) for side in self.sides]
        return next((one for one in found if one.data), found[0])

    def datum(self, name: str) -> Datum | None:
        """The first datum of a fact, or the newest value of an analyte."""
        if name in self.rule_base.facts:
            fact = self.fact(name)
            return fact.data[0] if fact.data and fact.value is True else None
        return self._rested_on(name) or self.set.readings.get(name)

    def said(self, name: str) -> tuple[Datum, ...]:
        """All the data that a placeholder speaks for: a computed value stands for its inputs too."""
        first = self.datum(name)
        if first is None:
            return ()
        computed = isinstance(self.rule_base.facts.get(name), DerivedFact)
        return self.fact(name).data if computed else (first,)

    def _rested_on(self, analyte: str) -> Datum | None:
        """The value of an analyte that the finding rests on, which need not be the newest one."""
        for name in self.finding.because:
            definition = self.rule_base.facts[name]
            of = definition.of if isinstance(definition, MeasurementFact | DerivedFact) else ""
            if (of if isinstance(of, str) else of[0]) == analyte:
                data = self.fact(name).data
                if data:
                    return data[0]
        return None

    def value(self, name: str, aspect: str, *, unsaid: str = "") -> str | None:
        """What a placeholder stands for, without the note `unsaid`; None when it is not known."""
        if name == "side":
            return _SIDES.get(self.finding.side, "leg")
        if name == "patient.age":
            return _years(self.set)
        if aspect == "points":
            return self.fact(name).points or None if name in self.rule_base.facts else None
        if aspect == "label":
            return self._label(name)
        found = self.datum(name)
        if found is None:
            return None
        return self._aspect(found, aspect, unsaid)

    def _label(self, name: str) -> str | None:
        """The words of the fact itself, so that a part in brackets stands only where it is true."""
        definition = self.rule_base.facts.get(name)
        if definition is None:
            return self.rule_base.analytes[name].label
        return definition.label if self.fact(name).value is True else None

    def _aspect(self, found: Datum, aspect: str, unsaid: str) -> str | None:
        span = found.when or found.onset or found.recorded
        match aspect:
            case "value":
                if not found.text:
                    return None  # a result that holds no number
                notes = ", ".join(note for note in found.notes if note != unsaid)
                return f"{found.text} ({notes})" if notes else found.text
            case "before":
                return _before(found, self.set)
            case "range":
                return _range(found)
            case "upper-times":
                return found.upper_times or None
            case "onset":
                return moments.date(found.onset, self.set.zone) if found.onset else None
            case "since":
                return _since(found, self.set)
            case "date":
                return moments.date(span, self.set.zone) if span else None
            case _:
                return moments.age(span, self.set.now, self.set.zone) if span else None


def _since(found: Datum, facts: FactSet) -> str | None:
    """When it began; else, in brackets, when it was recorded, which is no onset."""
    if found.onset is not None:
        return f"since {moments.date(found.onset, facts.zone)}"
    return f"({moments.date(found.recorded, facts.zone)})" if found.recorded is not None else None


def _before(found: Datum, facts: FactSet) -> str | None:
    if not found.before or found.before_when is None:
        return None
    on = "" if is_bound(found.before_when) else "on "
    return f"{found.before} {on}{moments.day(found.before_when, facts.zone)}"


def _range(found: Datum) -> str | None:
    """The laboratory's own range: `30-200 U/L`, `up to 200 U/L`, `from 30 U/L`."""
    if not (found.low or found.high):
        return None
    if found.low and found.high:
        span = f"{found.low}-{found.high}"
    else:
        span = f"up to {found.high}" if found.high else f"from {found.low}"
    return f"{span} {found.unit}".strip()


def _legs(finding: Finding, facts: FactSet) -> tuple[Side, ...]:
    if finding.side == "both":
        return facts.legs
    if finding.side in ("left", "right"):
        return (finding.side,)
    return ("",)


def _years(facts: FactSet) -> str | None:
    if facts.age is None:
        return None
    least, most = facts.age
    return str(least) if least == most else f"{least}-{most}"
