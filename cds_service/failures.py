"""The closed set of failure kinds.

A failure says what is wrong, where, and what to do about it. Nothing here knows HTTP:
`web.errors` turns a kind into a status and an OperationOutcome, in one table.
"""

from collections.abc import Sequence
from enum import StrEnum


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
