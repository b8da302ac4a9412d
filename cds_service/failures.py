"""The closed set of failure kinds.

A failure says what is wrong, where, and what to do about it. Nothing here knows HTTP:
`web.errors` turns a kind into a status and an OperationOutcome, in one table.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What sort of thing went wrong; ARCHITECTURE section 6 lists them."""

    INCORRECT = "incorrect"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    UNOBTAINABLE = "unobtainable"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"
    FAULT = "fault"


class Meaning(NamedTuple):
    """What a kind of failure is, and what to do about any of them; the failure itself says more."""

    what: str
    todo: str


# Written into docs/reference/failures.md by `make docs`.
MEANINGS: Mapping[Kind, Meaning] = {
    Kind.INCORRECT: Meaning(
        "What was sent or set cannot be used. A request: no JSON, a member missing or of the wrong "
        "shape, a hook that is not the service's, a key that stands twice, a body that is compressed or "
        "ends early. A start: a variable, an option or a file holds what it may not hold.",
        "Correct it at the place that the message names. Sent again unchanged, it fails again.",
    ),
    Kind.UNAUTHENTICATED: Meaning(
        "The caller did not prove who it is. Nothing more is said to it.",
        "Send a valid token.",
    ),
    Kind.FORBIDDEN: Meaning(
        "The data are about somebody else: the Patient under `patient`, or `fhirAuthorization.patient`, "
        "is another than `context.patientId`. Or a feedback is about a card of another client.",
        "Fill the prefetch for the patient of the context. Seen more than once, it is a fault of the "
        "client that may show one patient's data under another's name: stop and find it.",
    ),
    Kind.NOT_FOUND: Meaning(
        "There is nothing of this name: no such address, service, invented patient or event.",
        "For a service see `GET /cds-services`; the message lists what there is, where that is short.",
    ),
    Kind.WRONG_METHOD: Meaning(
        "The address is right and the method is not.",
        "POST to a service or to its `/feedback`; GET discovery. The header `Allow` names the methods.",
    ),
    Kind.UNOBTAINABLE: Meaning(
        "Data without which nothing can be said did not arrive, or arrived as an error, and were not to "
        "be had otherwise.",
        "Send the keys that the message names, each with what its published query returns. `null` or an "
        "empty Bundle is an answer: it says that there is nothing.",
    ),
    Kind.TOO_LARGE: Meaning(
        "More was sent than is read: of the body, of its entries, or of the members of one object.",
        "Use the published queries with their `_count`. What a `_count` cuts off is known as cut off.",
    ),
    Kind.TOO_MANY: Meaning(
        "More calls than this caller may make.",
        "Wait, then call again.",
    ),
    Kind.UNAVAILABLE: Meaning(
        "The service or its data cannot be used now: the audit database cannot be written, the content "
        "cannot be read, the port is taken. A call gets no advice then: none may leave unrecorded.",
        "Operator: the log has the reason. Caller: try again after the seconds of `Retry-After`; the "
        "same request may then succeed.",
    ),
    Kind.FAULT: Meaning(
        "The service itself is wrong: a fault in the code, or a rule base that has problems (then it "
        "does not start, and lists them).",
        "Tell the operator. The log has the type of the error, never its words, which may hold a value "
        "from a record. `cds-service rules check` lists what is wrong with a rule base.",
    ),
}


class Failure(Exception):  # noqa: N818 - "failure" is the project's one word for it
    """Something that ends a request or a command, of a known kind.

    Args:
        kind: one of the closed set.
        what: what is wrong, in words fit for the caller: never a value from a patient's record.
        where: a JSON path, a file and line, or a name; empty when nothing narrower is known.
        todo: what the caller can do about it.
    """

    def __init__(self, kind: Kind, what: str, *, where: str = "", todo: str = "") -> None:
        """Keep the three parts apart so that each door can lay them out its own way."""
        place = f"{where}: {what}" if where else what
        super().__init__(f"{place}; {todo}" if todo else place)
        self.kind = kind
        self.what = what
        self.where = where
        self.todo = todo


class ContentProblem:
    """One thing wrong with a content file: where, what, and what to do."""

    __slots__ = ("file", "line", "what")

    def __init__(self, file: str, line: int, what: str) -> None:
        """Keep `file` (relative to the content folder), 1-based `line` and the sentence."""
        self.file = file
        self.line = line
        self.what = what

    def __str__(self) -> str:
        """`file:line: what`, the form editors jump to."""
        return f"{self.file}:{self.line}: {self.what}"


class BrokenRuleBase(Failure):
    """The rule base cannot be used; carries *all* that is wrong with it."""

    def __init__(self, problems: Sequence[ContentProblem]) -> None:
        """Keep every problem; the message lists them one a line."""
        lines = "\n".join(f"  {problem}" for problem in problems)
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(Kind.FAULT, f"the rule base has {len(problems)} {noun}:\n{lines}")
        self.problems = tuple(problems)


class BrokenClients(Failure):
    """The clients file cannot be used; carries *all* that is wrong with it."""

    def __init__(self, problems: Sequence[ContentProblem]) -> None:
        """Keep every problem; the message lists them one a line."""
        lines = "\n".join(f"  {problem}" for problem in problems)
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(Kind.INCORRECT, f"the clients file has {len(problems)} {noun}:\n{lines}")
        self.problems = tuple(problems)
