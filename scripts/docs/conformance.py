"""docs/reference/conformance.md: every requirement, and the tests that are marked with it."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from scripts import requirements
from scripts.docs import markdown
from scripts.docs.content import NotSaid
from scripts.requirements import Proof, Requirement

INTRODUCTION = """\
For whoever connects, audits or changes the service: what CDS Hooks asks of a service, what real
clients are seen to send, what this service does about it, and the tests that prove it. The
specification decides: [CDS Hooks 2.0](https://cds-hooks.hl7.org/2.0/). The wording here is ours and
short. Comments in code and content point here by number ("requirement 31"); a number never changes
meaning and is never used again. Those that are missing are about things that nothing here refers to.

**met**: a test that is never left out is marked with the number (`@pytest.mark.requirement(31)`), and
where something is to be refused, one that sees it refused. `make check` fails where a requirement has
neither a test nor a reason why it is not met. `make requirements ARGS=31` prints its tests."""
LEGEND = (
    ("2.0", "CDS Hooks 2.0 and 2.0.1"),
    ("3.0", "the 3.0 ballot of January 2026; not a published release"),
    ("library", "the hook library: each hook's own page, with the version of the hook"),
    ("LM", "the logical models and invariants published with the specification"),
    ("CRD", "the public Da Vinci CRD test kit, server suite"),
    ("sandbox", "the public CDS Hooks sandbox, seen when driven or read in its source"),
    ("Epic, Oracle, athenahealth", "the vendor's public documentation"),
    ("ours", "a decision of this project, written in no specification"),
)
VERBS = ("SHALL", "SHOULD", "MAY", "ours", "seen")
STATES = ("met", "not applicable", "not met")
LAST_OF_HOOKS = 70  # from 71 on: what clients were seen to do, checks by others, what follows for us
HEAD = ("no.", "requirement", "verb", "status", "tests")


def page() -> str:
    """Return the page.

    Raises:
        NotSaid: where a requirement has neither a test nor a reason.
    """
    listed, tests = requirements.listed(), requirements.proved()
    if found := list(requirements.gaps(listed, tests)):
        raise NotSaid("; ".join(found))
    parts = [
        f"## {section.section}\n\n" + markdown.table(HEAD, map(_row, section.requirements))
        for section in requirements.sections()
    ]
    source = "tests/conformance/requirements.yaml and the marks of the tests"
    return markdown.page(
        "Conformance", source, INTRODUCTION, _counts(listed.values()), *parts, _legend()
    )


def _counts(listed: Collection[Requirement]) -> str:
    groups = {verb: [one for one in listed if one.verb == verb] for verb in VERBS}
    groups["all"] = list(listed)
    groups["CDS Hooks itself: 1 to 70, D, the hooks"] = [one for one in listed if _of_hooks(one)]
    rows = [(name, *_by_status(group)) for name, group in groups.items()]
    return f"## Counts\n\n{markdown.table(('verb', *STATES), rows)}\n\n{_open(listed)}"


def _of_hooks(one: Requirement) -> bool:
    return isinstance(one.id, str) or one.id <= LAST_OF_HOOKS


def _by_status(group: Iterable[Requirement]) -> Sequence[str]:
    found = Counter(one.status for one in group)
    return [str(found[state]) for state in STATES]


def _open(listed: Iterable[Requirement]) -> str:
    lines = [f"{one.id}: {markdown.prose(one.reason)}" for one in listed if one.status == "not met"]
    return "Not met:\n\n" + markdown.bullets(lines) if lines else "None is not met."


def _row(one: Requirement) -> Sequence[str]:
    what = f"{one.what} ({one.from_}). **Here:** {one.here}"
    reason = f": {one.reason}" if one.reason else ""
    return str(one.id), what, one.verb, f"**{one.status}**{reason}", _tests(one)


def _tests(one: Requirement) -> str:
    proofs = sorted(requirements.proved().get(str(one.id), ()))
    return "; ".join(_in_file(file, list(some)) for file, some in groupby(proofs, attrgetter("file")))


def _in_file(file: str, proofs: Sequence[Proof]) -> str:
    name = file.removeprefix("tests/").removesuffix(".py")
    kept = [one for one in proofs if not one.refuses]
    refusing = [one for one in proofs if one.refuses]
    sides = [_names(kept), _names(refusing, "refused: ")]
    return f"{markdown.link(markdown.code(name), f'../../{file}')} " + ", ".join(filter(None, sides))


def _names(proofs: Iterable[Proof], before: str = "") -> str:
    said = ", ".join(_said(one) for one in proofs)
    return f"{before}{said}" if said else ""


def _said(proof: Proof) -> str:
    words = proof.test.removeprefix("test_").replace("_", " ") or "all of it"
    return f"{words} (not counted: {proof.only.replace('_', ' ')})" if proof.only else words


def _legend() -> str:
    return "## Where the lines come from\n\n" + markdown.table(("tag", "meaning"), LEGEND)
