"""Write the generated pages of docs/reference, or say which of them are not up to date.

make docs           # writes them
make check-docs     # part of `make check`: exit code 1 and a diff where one differs
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from scripts.docs import (
    bounds,
    cli,
    conformance,
    content,
    failures,
    hazards,
    links,
    prefetch,
    regions,
    rule_language,
    rule_pages,
    rules,
    settings,
)

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "docs" / "reference"
Page = Callable[[], str]
PAGES: Mapping[str, Page] = {
    "cli.md": cli.page,
    "conformance.md": conformance.page,
    "failures.md": failures.page,
    "links.md": links.page,
    "prefetch.md": prefetch.page,
    "rule-language.md": rule_language.page,
    "rules/README.md": rules.page,
    "rules/bounds.md": bounds.page,
    "rules/hazards.md": hazards.page,
    "rules/regions.md": regions.page,
    "settings.md": settings.page,
}


def pages() -> Mapping[str, Page]:
    """Return how each page is made, by its path in docs/reference: these, and one for every rule."""
    found = content.rule_base()
    made = {
        f"rules/{rule.id}.md": partial(rule_pages.page, rule, found) for rule in found.rules.values()
    }
    return {**PAGES, **made}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="docs", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of the pages")
    chosen = parser.parse_args(arguments)
    try:
        return check(chosen.folder) if chosen.check else write(chosen.folder)
    except content.NotSaid as gap:
        print(f"docs: {gap}", file=sys.stderr)
        return 1


def write(folder: Path) -> int:
    """Write every page; return the exit code."""
    wanted = pages()
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    for name, page in wanted.items():
        (folder / name).write_text(page(), encoding="utf-8")
    for name in left_over(folder, wanted):
        (folder / name).unlink()
    print(f"{len(wanted)} pages in {folder}")
    return 0


def left_over(folder: Path, wanted: Mapping[str, Page]) -> list[str]:
    """Return the pages of rules that are no more."""
    return sorted({f"rules/{path.name}" for path in (folder / "rules").glob("*.md")} - wanted.keys())


def check(folder: Path) -> int:
    """Print a diff of each page that is not what it would be written as; return the exit code."""
    wrong = 0
    wanted = pages()
    for name in left_over(folder, wanted):
        wrong += 1
        print(f"docs/reference/{name} is of no rule: run `make docs` and commit what it deletes")
    for name, page in wanted.items():
        differing = list(differences(folder / name, f"docs/reference/{name}", page()))
        wrong += bool(differing)
        if differing:
            print("".join(differing), end="")
            print(f"docs/reference/{name} is not up to date: run `make docs` and commit what it writes")
    return 1 if wrong else 0


def differences(file: Path, name: str, wanted: str) -> Iterator[str]:
    """Return the diff from a file to what it should be, line by line; nothing where they agree."""
    found = file.read_text(encoding="utf-8") if file.is_file() else ""
    yield from difflib.unified_diff(
        found.splitlines(keepends=True),
        wanted.splitlines(keepends=True),
        f"{name} (as it is)",
        f"{name} (as `make docs` writes it)",
        n=1,
    )


if __name__ == "__main__":
    sys.exit(main())
