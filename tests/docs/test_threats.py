"""docs/threats.md names a test for each thing that is stopped: there is such a test."""

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "threats.md").read_text("utf-8")
NAMED = re.compile(r"`([a-z_/]+/test_[a-z_]+\.py)(?:::(test_[a-z0-9_]+))?`")


def functions_of(path: Path) -> set[str]:
    module = ast.parse(path.read_text("utf-8"))
    return {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 30
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (path := CHECKOUT / "tests" / file).is_file() or (test and test not in functions_of(path))
    ]
    assert missing == []


def test_a_row_without_a_test_says_that_nothing_stops_it() -> None:
    rows = [
        line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| wants")
    ]
    bare = [row for row in rows if not NAMED.search(row) and not row.startswith("| does")]
    assert all("**" in row for row in bare), bare
