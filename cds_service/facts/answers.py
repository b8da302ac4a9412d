"""Answers: coded and written yes and no, and questionnaires into statements."""

from collections.abc import Iterator

from msgspec import Raw

from cds_service.facts.statements import Context, Stated, Statement, leg_answered, matches
from cds_service.fhir.resources import (
    Answer,
    CodeableConcept,
    Quantity,
    QuestionnaireResponse,
    ResponseItem,
)

_YES, _NO = SETS = ("answer-yes", "answer-no")
_WORDS = {"yes": True, "present": True, "true": True, "no": False, "absent": False, "false": False}


def coded_answer(concept: CodeableConcept, context: Context) -> tuple[bool | None, str]:
    """(yes or no where it is one, the code) of a coded value."""
    code = next((coding.code.strip() for coding in concept.coding if coding.code), "")
    for match, _ in matches(concept, context):
        if match.set in (_YES, _NO):
            return match.set == _YES, code
    says, word = worded(code or concept.text or "")
    return says, code or word


def worded(text: str) -> tuple[bool | None, str]:
    """(yes or no where it is one, the word) of a written value."""
    word = text.strip().lower()[:40]
    return _WORDS.get(word), word


def of_answers(resource: QuestionnaireResponse, ref: str, context: Context) -> Stated:
    """What a completed QuestionnaireResponse states: each linkId is a code of our own system."""
    if resource.status not in ("completed", "amended"):
        return
    local = context.rule_base.systems.get("local", ("",))[0]
    when = context.span(resource.authored)
    for item in _items(resource.item):
        for match in context.rule_base.terminology.matches(local, item.linkId):
            if match.concept.needs_site:
                continue  # an answer names no body site, so it is not said of the left nor of the right
            for answer in item.answer:
                says, code, quantity = _given(answer, context, item.linkId or "")
                leg = leg_answered(item.linkId or "", code, context)
                yield (
                    match.set,
                    Statement(
                        kind="answer",
                        ref=ref,
                        label=match.concept.display,
                        concept=match.concept,
                        code=item.linkId or "",
                        side=match.concept.side or leg,
                        names_leg=leg is not None,
                        when=when,
                        says=says,
                        answer=code,
                        quantity=quantity,
                    ),
                )


def _items(items: tuple[ResponseItem, ...]) -> Iterator[ResponseItem]:
    for item in items:
        yield item
        yield from _items(item.item)
        for answer in item.answer:
            yield from _items(answer.item)


def _given(answer: Answer, context: Context, link: str) -> tuple[bool | None, str, Quantity | None]:
    if answer.valueBoolean is not None:
        return answer.valueBoolean, "", None
    if answer.valueCoding is not None:
        says, code = coded_answer(CodeableConcept(coding=(answer.valueCoding,)), context)
        return says, code, None
    if answer.valueQuantity is not None:
        return None, "", answer.valueQuantity
    for raw in (answer.valueDecimal, answer.valueInteger):
        if isinstance(raw, Raw):
            # Our own question says the unit that it is answered in.
            local = context.rule_base.local_codes.get(link)
            unit = local.unit or None if local is not None else None
            return None, "", Quantity(value=raw, unit=unit, code=unit)
    says, word = worded(answer.valueString or "")
    return says, word, None
