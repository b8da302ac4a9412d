"""Published templates, filled by the rules of CDS Hooks 2.0."""

from typing import Any

import pytest

from cds_service.ehr.templates import filled
from cds_service.hooks.request import Question


def question(**more: str) -> Question:
    given: dict[str, Any] = {"patient": "p-1", "user": "Practitioner/d-1", "encounter": "e-1", **more}
    return Question(service="s", hook="patient-view", hook_instance="i", **given)


FILLED = [
    ("Patient/{{context.patientId}}", {}, "Patient/p-1"),
    ("Condition?patient={{context.patientId}}&_count=250", {}, "Condition?patient=p-1&_count=250"),
    ("Encounter/{{context.encounterId}}", {}, "Encounter/e-1"),
    ("{{context.userId}}", {}, "Practitioner/d-1"),
    ("Practitioner/{{userPractitionerId}}", {}, "Practitioner/d-1"),
    (
        "Patient/{{context.patientId}}",
        {"patient": "a/b?c&d=e#f g%"},
        "Patient/a%2Fb%3Fc%26d%3De%23f%20g%25",
    ),
    ("Patient/{{context.patientId}}", {"patient": "ä"}, "Patient/%C3%A4"),
    ("Patient/{{context.patientId}}", {"patient": "..."}, "Patient/..."),
    ("Patient/{{context.patientId}}", {"patient": "{{x}}"}, "Patient/%7B%7Bx%7D%7D"),
]
NOT_ASKED = [
    ("Encounter/{{context.encounterId}}", {"encounter": ""}),
    ("Patient/{{context.patientId}}", {"patient": "."}),
    ("Patient/{{context.patientId}}", {"patient": ".."}),
    ("PractitionerRole/{{userPractitionerRoleId}}", {}),
    ("{{context.userId}}", {"user": "d-1"}),
    ("{{context.userId}}", {"user": "Practitioner/"}),
    ("Observation?date=gt{{today() - 90 days}}", {}),
    ("Observation?patient={{context.patientId}}&x={{context.medications}}", {}),
    ("Patient/{{}}", {}),
]


@pytest.mark.requirement(16, 17)
@pytest.mark.parametrize(("template", "given", "query"), FILLED)
def test_a_value_is_encoded_where_it_stands(template: str, given: dict[str, str], query: str) -> None:
    assert filled(template, question(**given)) == query


@pytest.mark.requirement(17)
@pytest.mark.parametrize(("template", "given"), NOT_ASKED)
def test_a_query_whose_token_has_no_value_is_not_asked(template: str, given: dict[str, str]) -> None:
    assert filled(template, question(**given)) is None
