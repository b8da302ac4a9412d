"""Print which tests prove which numbered requirement of CDS Hooks (docs/reference/requirements.md).

    make requirements
    make requirements ARGS='72 76'

The numbers stand in the tests: `@pytest.mark.requirement(31)`.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "reference" / "requirements.md"
_ROW = re.compile(r"^\| ([0-9]+|D) \| (.+?) \| (.+) \|$", re.MULTILINE)


def listed() -> dict[str, tuple[str, str]]:
    """Every number on the page: (what is required, what is here)."""
    return {row[1]: (row[2], row[3]) for row in _ROW.finditer(PAGE.read_text("utf-8"))}


def proved() -> dict[str, list[str]]:
    """Number → the tests that are marked with it, as `file::test`; a module's mark names the file."""
    found: dict[str, list[str]] = {}
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        for number, test in _marks(ast.parse(path.read_text("utf-8"))):
            where = path.relative_to(CHECKOUT).as_posix()
            found.setdefault(number, []).append(f"{where}::{test}" if test else where)
    return found


def _marks(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                yield from ((number, node.name) for number in _numbers(decorator))
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "pytestmark" in names:
                yield from ((number, "") for number in _numbers(node.value))


def _numbers(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "requirement"
        ):
            yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))


def main() -> None:
    """Print the map, or the part of it that is asked for."""
    tests = proved()
    for number, (what, here) in listed().items():
        if sys.argv[1:] and number not in sys.argv[1:]:
            continue
        print(f"{number}  {what}\n    here: {here}")
        for test in tests.get(number, ["(no test)"]):
            print(f"    {test}")


if __name__ == "__main__":
    main()
