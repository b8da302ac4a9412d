"""Our published prefetch templates, filled for a query of our own (requirements 16 and 17)."""

import re
from urllib.parse import quote

from cds_service.hooks.request import Question

_TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
# A user token of CDS Hooks 2.0 → the type that the user must be of.
_USERS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}


def filled(template: str, question: Question) -> str | None:
    """The query of a template, its values percent-encoded; None when a token has no value.

    A query whose token has no value is not asked: without it, it would be another query.
    """
    values = {token: _value(token, question) for token in _TOKEN.findall(template)}
    if not all(values.values()):
        return None
    return _TOKEN.sub(lambda token: values[token[1]], template)


def _value(token: str, question: Question) -> str:
    match token:
        case "context.patientId":
            return _encoded(question.patient)
        case "context.encounterId":
            return _encoded(question.encounter)
        case "context.userId":  # `Practitioner/123` is itself a read
            kind, slash, identity = question.user.partition("/")
            return f"{_encoded(kind)}/{_encoded(identity)}" if slash and identity else ""
        case _:
            kind, slash, identity = question.user.partition("/")
            return _encoded(identity) if slash and kind == _USERS.get(token) else ""


def _encoded(value: str) -> str:
    # A dot is never encoded, so an id of dots would be a step within the path.
    return "" if value in (".", "..") else quote(value, safe="")
