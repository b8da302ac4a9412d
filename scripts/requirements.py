"""Print which tests prove which numbered requirement of CDS Hooks.

    make requirements
    make requirements ARGS='72 76'

The requirements stand in tests/conformance/requirements.yaml, and their numbers in the tests:
`@pytest.mark.requirement(31)`. docs/reference/conformance.md is written from the two.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCE = CHECKOUT / "tests" / "conformance" / "requirements.yaml"
# Functions with which a test says that something was refused, and how.
REFUSING = frozenset({"refused", "refusal", "raises", "reason"})
# What the locked packages bring along: where there is a loopback, it is never skipped.
_AT_HAND = frozenset({"requirement", "server", "fhir_server"})
_SKIPPING = frozenset({"skip", "skipif", "xfail"})
Tests = Mapping[str, Sequence["Proof"]]


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """One line of requirements.yaml; its head says what the members mean."""

    id: int | str
    verb: str
    from_: str = msgspec.field(name="from")
    what: str
    here: str
    refuses: bool = False
    not_applicable: str = ""
    not_met: str = ""

    @property
    def reason(self) -> str:
        """Why it is not met; empty where it is said to be."""
        return self.not_applicable or self.not_met

    @property
    def status(self) -> str:
        """`met`, `not applicable` or `not met`; met only where `gaps` has nothing to say."""
        if self.not_applicable:
            return "not applicable"
        return "not met" if self.not_met else "met"


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requirements under one heading."""

    section: str
    requirements: tuple[Requirement, ...]


class Proof(msgspec.Struct, frozen=True, order=True):
    """A test that is marked with a requirement; `test` is empty where its whole module is.

    `refuses`: it expects a refusal. `only`: what it is skipped without, or `skip` itself: then it
    proves nothing where that is missing, and does not count.
    """

    file: str
    test: str = ""
    refuses: bool = False
    only: str = ""


@cache
def sections() -> tuple[Section, ...]:
    """Return requirements.yaml.

    Raises:
        msgspec.ValidationError: where it has not its shape, with the path.
    """
    return tuple(msgspec.yaml.decode(SOURCE.read_bytes(), type=list[Section]))


def listed() -> dict[str, Requirement]:
    """Return every requirement by its number."""
    return {str(one.id): one for section in sections() for one in section.requirements}


@cache
def proved() -> Tests:
    """Return the tests that are marked with each number."""
    outside = _markers() - _AT_HAND | _SKIPPING
    found: dict[str, list[Proof]] = {}
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "requirement(" in text:
            file = path.relative_to(CHECKOUT).as_posix()
            for number, proof in _marks(ast.parse(text), file, outside):
                found.setdefault(number, []).append(proof)
    return found


def _markers() -> frozenset[str]:
    options = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    return frozenset(
        line.partition(":")[0].partition("(")[0] for line in options["ini_options"]["markers"]
    )


def _marks(module: ast.Module, file: str, outside: frozenset[str]) -> Iterator[tuple[str, Proof]]:
    whole = [node.value for node in module.body if isinstance(node, ast.Assign) and _is_mark(node)]
    for number in _numbers(whole):
        yield number, Proof(file, only=_only(whole, outside))
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            marks = [*node.decorator_list, *whole]
            asked = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
            only = _only(marks, outside) or min(asked & outside, default="")
            for number in _numbers(node.decorator_list):
                yield number, Proof(file, node.name, _refuses(node), only)


def _is_mark(node: ast.Assign) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "pytestmark" for one in node.targets)


def _numbers(marks: Sequence[ast.expr]) -> Iterator[str]:
    for mark in marks:
        for node in ast.walk(mark):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "requirement"
            ):
                yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))


def _only(marks: Sequence[ast.expr], outside: frozenset[str]) -> str:
    """Return the name of a mark on the test itself (not on a case of it) that can skip it."""
    named = (
        node.attr
        for mark in marks
        if not (isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(".parametrize"))
        for node in ast.walk(mark)
        if isinstance(node, ast.Attribute)
    )
    return min(outside & set(named), default="")


def _refuses(test: ast.FunctionDef) -> bool:
    called = (node.func for node in ast.walk(test) if isinstance(node, ast.Call))
    return any(ast.unparse(one).rpartition(".")[2] in REFUSING for one in called)


def gaps(requirements: Mapping[str, Requirement], tests: Tests) -> Iterator[str]:
    """Say what keeps the list from being true; nothing, when it is."""
    for number in tests.keys() - requirements.keys():
        yield f"{tests[number][0].file} proves {number}, which {SOURCE.name} does not list"
    for number, one in requirements.items():
        counted = [proof for proof in tests.get(number, ()) if not proof.only]
        if one.not_applicable and one.not_met:
            yield f"{number} is both not applicable and not met"
        elif not one.reason and not counted:
            yield f"{number} has no test that always runs: mark one, or say why it is not met"
        elif not one.reason and one.refuses and not any(proof.refuses for proof in counted):
            yield f"{number} has no test of what is refused"


def main() -> None:
    """Print the map, or the part of it that is asked for."""
    tests = proved()
    for number, one in listed().items():
        if sys.argv[1:] and number not in sys.argv[1:]:
            continue
        print(f"{number}  {one.what}\n    {one.status}: {one.reason or one.here}")
        for proof in tests.get(number, ()):
            print(f"    {proof.file}{'::' if proof.test else ''}{proof.test}")
    for gap in gaps(listed(), tests):
        print(gap, file=sys.stderr)


if __name__ == "__main__":
    main()
