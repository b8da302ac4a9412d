"""Facts about the patient and where the request comes from: `age`, `patient`, `hook`, `region`."""

from decimal import Decimal

from cds_service.facts.model import Fact, Reason
from cds_service.facts.record import Record
from cds_service.fhir.dates import age_in_years, is_future
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.definitions import AgeFact, HookFact, PatientFact, RegionFact

OLDEST = 130  # years; beyond it a birth date is a mistake


def age(record: Record) -> tuple[int, int] | None:
    """The least and greatest age in years; None without a believable birth date."""
    birth = record.birth
    if birth is None or is_future(birth, record.now):
        return None
    least, most = age_in_years(birth, record.now, record.zone)
    return None if most > OLDEST else (max(least, 0), most)


def age_fact(definition: AgeFact, record: Record) -> Fact:
    """The patient's age against limits; a year-only birth date is an interval."""
    years = age(record)
    if years is None:
        reason = Reason.NOT_RECORDED if record.birth is None else Reason.IMPLAUSIBLE
        return Fact(definition.name, None, reason)
    span = Interval(Decimal(years[0]), Decimal(years[1]))
    answers = [
        compare(span, limit.how, record.rule_base.thresholds[limit.threshold].single())
        for limit in definition.limits
    ]
    if False in answers:
        return Fact(definition.name, False)
    if None in answers:
        return Fact(definition.name, None, Reason.DATE_IMPRECISE)
    return Fact(definition.name, True)


def has_died(record: Record) -> bool:
    """Whether a date of death is there that can be read and is not to come.

    Every rule is silent for the deceased: an empty text or a slip of the year must not do that.
    """
    return record.death is not None and not is_future(record.death, record.now)


def patient_fact(definition: PatientFact, record: Record) -> Fact:
    """Something the Patient resource says."""
    patient = record.patient
    if definition.attribute == "deceased":
        return Fact(definition.name, patient.deceasedBoolean is True or has_died(record))
    if patient.gender not in ("female", "male", "other"):  # "F" is no code of FHIR: nothing is known
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    return Fact(definition.name, patient.gender == definition.attribute)


def hook_fact(definition: HookFact, hook: str) -> Fact:
    """Whether this request comes from one of these hooks."""
    return Fact(definition.name, hook in definition.hooks)


def region_fact(definition: RegionFact) -> Fact:
    """Whether the service is set to one of these regions."""
    return Fact(definition.name, definition.here)
