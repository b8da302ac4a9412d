"""docs/reference/failures.md: the kinds of failure, from `failures.py` and `web/errors.py`."""

import json
import re
from pathlib import Path

import cds_service
from cds_service.cli.main import exit_code
from cds_service.failures import MEANINGS, Failure, Kind
from cds_service.hooks import feedback, request
from cds_service.hooks.entries import MOST_ENTRIES
from cds_service.hooks.envelope import LARGEST_MEMBER, MOST_MEMBERS
from cds_service.hooks.necessary import NECESSARY
from cds_service.server.channel import REFUSALS
from cds_service.settings import BODY_LIMIT
from cds_service.web.errors import TABLE, response
from scripts.docs import markdown
from scripts.docs.content import NotSaid

INTRODUCTION = """\
For integrators who see a call refused, and for operators who see a start refused. Every failure of a
call that was read is of one of these kinds; what never becomes a call is
[below](#what-is-refused-before-it-is-a-call). Over HTTP it is an OperationOutcome, and its `diagnostics`
say what is wrong, where, and what to do; on the command line it is one line on standard error, and
an exit code.

An EHR tends to show every error as "no cards". So watch the statuses at the proxy: no card is no
all-clear."""
BEFORE = """\
The server answers these by itself, with an OperationOutcome too, and closes the connection. They are
not in the audit log, but for the 413."""
CLOSE = """\
`expression` is the place, as a JSON path, where there is one. Of a `fault`, and of `unavailable`,
the answer holds no details: they are in the log of the service. Every refused call to a service is
in the audit log, with its kind."""
PACKAGE = Path(cds_service.__file__).parent
_NO_RAISER = (PACKAGE / "failures.py", PACKAGE / "web" / "errors.py", PACKAGE / "cli" / "main.py")


def page() -> str:
    """Return the page.

    Raises:
        NotSaid: of a kind it is not said what it means, or which status it has.
    """
    for kind in Kind:
        if kind not in MEANINGS:
            raise NotSaid(f"cds_service/failures.py: MEANINGS does not say what {kind.value} means")
        if kind not in TABLE:
            raise NotSaid(f"cds_service/web/errors.py: TABLE has no status for {kind.value}")
    used = raised()
    head = ("kind", "status", "issue code", "exit code")
    rows = [
        (
            markdown.link(kind.value, f"#{kind.value}"),
            str(TABLE[kind][0]),
            markdown.code(TABLE[kind][1]),
            str(exit_code(kind)),
        )
        for kind in sorted(Kind, key=lambda one: TABLE[one][0])
    ]
    return markdown.page(
        "Failures",
        "`cds_service/failures.py` and `cds_service/web/errors.py`",
        INTRODUCTION,
        markdown.table(head, rows),
        "## Each kind",
        *(section(kind, in_use=kind in used) for kind in sorted(Kind, key=lambda one: TABLE[one][0])),
        "## The limits behind too-large",
        markdown.bullets(
            [
                f"the body: {BODY_LIMIT // 1024**2} MiB ({BODY_LIMIT:,} bytes)",
                f"the entries, components, contained resources and answers together: {MOST_ENTRIES:,}",
                f"the members of one object of the envelope: {MOST_MEMBERS:,}",
                f"a member of the envelope that is no resource: {LARGEST_MEMBER // 1024} KiB",
                f"a body of feedback: {feedback.LARGEST // 1024**2} MiB",
            ]
        ),
        "## What is refused before it is a call",
        BEFORE,
        markdown.table(
            ("status", "issue code", "said"),
            [(str(status), markdown.code(code), said) for status, (code, said) in REFUSALS.items()],
        ),
        "## What a refusal looks like",
        f"A request with nothing in it but a hook, answered with status {example_status()}:",
        markdown.block(example(), "json"),
        CLOSE,
    )


def section(kind: Kind, *, in_use: bool) -> str:
    """Return what one kind means, and what to do."""
    meaning = MEANINGS[kind]
    parts = [
        f"### {kind.value}",
        f"{TABLE[kind][0]} · {markdown.prose(meaning.what)}",
        f"**Do:** {markdown.prose(meaning.todo)}",
    ]
    if kind is Kind.UNOBTAINABLE:
        parts.insert(
            2, f"The necessary keys are {markdown.codes(NECESSARY)}: see [prefetch](prefetch.md)."
        )
    if not in_use:
        parts.append("*Not in use yet: nothing in the service fails in this way.*")
    return "\n\n".join(parts)


def raised() -> set[Kind]:
    """Return the kinds that the code fails with somewhere."""
    texts = [file.read_text("utf-8") for file in PACKAGE.rglob("*.py") if file not in _NO_RAISER]
    named = {name for text in texts for name in re.findall(r"\bKind\.([A-Z_]+)\b", text)}
    # Flask itself refuses a method; `web.errors` gives that its kind.
    return {kind for kind in Kind if kind.name in named} | {Kind.WRONG_METHOD}


def refusal() -> Failure:
    """Return the failure that the example shows, from the code that would answer so."""
    try:
        request.parse(b'{"hook": "patient-view"}', service="s", hook="patient-view", client="c")
    except Failure as failure:
        return failure
    raise AssertionError("the example is no longer refused")


def example() -> str:
    """Return the body of that refusal."""
    return json.dumps(json.loads(response(refusal()).get_data()), indent=2, ensure_ascii=False)


def example_status() -> int:
    """Return the status of that refusal."""
    return TABLE[refusal().kind][0]
