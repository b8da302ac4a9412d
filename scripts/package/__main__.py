"""Build what a user installs, install it into a fresh environment, and see it work somewhere else.

    make package

Leaves an sdist, the wheel that was built from the sdist, and the bill of materials of what is installed
with it (CycloneDX) in dist/. For this it makes an environment from requirements/run.lock and the wheel
alone; then it goes to an empty folder, runs the cases of the rule base,
starts `cds-service serve`, and calls it with an invented patient. Ends with exit code 1 and the output
of the step that failed, if one did.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.package import bill
from scripts.package.archives import build
from scripts.package.environments import StepFailed, environment, locked, pip
from scripts.package.trial import try_out

CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, install, try out; return the exit code."""
    parser = argparse.ArgumentParser(prog="package", description=__doc__.partition("\n")[0])
    parser.add_argument("--dist", type=Path, default=CHECKOUT / "dist", help="folder of the archives")
    chosen = parser.parse_args(arguments)
    try:
        built = build(CHECKOUT, chosen.dist.resolve())
        for archive in built:
            print(f"{archive.name}\n  sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
        with tempfile.TemporaryDirectory() as scratch:
            print(installed_and_tried(built.wheel, Path(scratch)))
    except StepFailed as failed:
        print(f"package: {failed}", file=sys.stderr)
        return 1
    return 0


def installed_and_tried(wheel: Path, scratch: Path) -> str:
    """Install the wheel below `scratch`, write its bill beside it, try it out from another folder."""
    programs = environment(
        scratch / "environment",
        locked(CHECKOUT / "requirements" / "run.lock"),
        ["--no-deps", "--no-index", wheel],
    )
    pip(programs, "check")  # the lock has all that the wheel asks for
    listed = bill.write(programs, CHECKOUT / "pyproject.toml", wheel.with_suffix(".cdx.json"))
    elsewhere = scratch / "elsewhere"
    elsewhere.mkdir()
    return f"{listed.name}\n{try_out(programs, elsewhere)}"


if __name__ == "__main__":
    sys.exit(main())
