"""Write the generated pages of docs/reference, or say which of them are not up to date.

make docs           # writes them
make check-docs     # part of `make check`: exit code 1 and a diff where one differs
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from scripts.docs import cli, content, failures, prefetch, rule_language, rules, settings

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli.page,
    "failures.md": failures.page,
    "prefetch.md": prefetch.page,
    "rule-language.md": rule_language.page,
    "rules.md": rules.page,
    "settings.md": settings.page,
}


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
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    print(f"{len(PAGES)} pages in {folder}")
    return 0


def check(folder: Path) -> int:
    """Print a diff of each page that is not what it would be written as; return the exit code."""
    wrong = 0
    for name, page in PAGES.items():
        differing = list(differences(folder / name, page()))
        wrong += bool(differing)
        if differing:
            print("".join(differing), end="")
            print(f"docs/reference/{name} is not up to date: run `make docs` and commit what it writes")
    return 1 if wrong else 0


def differences(file: Path, wanted: str) -> Iterator[str]:
    """Return the diff from a file to what it should be, line by line; nothing where they agree."""
    found = file.read_text(encoding="utf-8") if file.is_file() else ""
    name = f"docs/reference/{file.name}"
    yield from difflib.unified_diff(
        found.splitlines(keepends=True),
        wanted.splitlines(keepends=True),
        f"{name} (as it is)",
        f"{name} (as `make docs` writes it)",
        n=1,
    )


if __name__ == "__main__":
    sys.exit(main())
