"""Cases: what a case adds to a fixture is about the fixture's patient."""

from datetime import UTC, datetime

from cds_service import content
from cds_service.cases import running
from cds_service.cases.running import Case
from cds_service.rulebase.model import RuleBase

FIXTURES = content.folder("fhir_fixtures")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_what_is_added_to_a_fixture_is_read_as_the_patients_own(shipped: RuleBase) -> None:
    adding = {"observations": [{"code": "loinc 2823-3", "value": 2.4, "unit": "mmol/L", "at": "now"}]}
    case = Case(
        rule="k-01-low-potassium",
        name="a potassium of 2.4 beside a normal one",
        proves="fires",
        place="",
        given={"fixture": "no-symptom", "adding": adding},
        expect={"outcome": "fires", "indicator": "critical"},
        now=NOW,
        hook="patient-view",
        reference="",
    )

    assert running.run(case, shipped, FIXTURES).differences == ()
