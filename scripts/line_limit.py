"""Say which Python files are longer than a page of thought allows (ARCHITECTURE 9).

    python scripts/line_limit.py LIMIT FOLDER...

Prints `file: lines` for each file above LIMIT, longest first, and then exits with 1.
"""

import sys
from pathlib import Path


def lines_of(file: Path) -> int:
    """Count the lines of `file`, blank ones and comments too."""
    return len(file.read_text(encoding="utf-8").splitlines())


def main(limit: int, folders: list[str]) -> int:
    """Print the files above `limit`; return the exit code."""
    lengths = {file: lines_of(file) for folder in folders for file in Path(folder).rglob("*.py")}
    if not lengths:
        print(f"no Python file under {', '.join(folders)}")
        return 1
    too_long = {file: lines for file, lines in lengths.items() if lines > limit}
    for file, lines in sorted(too_long.items(), key=lambda entry: -entry[1]):
        print(f"{file}: {lines} lines, the limit is {limit}: which two things is it?")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
