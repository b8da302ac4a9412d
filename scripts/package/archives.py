"""The sdist of a checkout, and the wheel of the sdist."""

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from scripts.package.environments import run


class Built(NamedTuple):
    """The two archives of one build."""

    sdist: Path
    wheel: Path


def build(source: Path, dist: Path) -> Built:
    """Build the sdist of `source` into `dist`, and the wheel from what the sdist holds.

    The same files always give the same bytes: hatchling sorts them, and sets times, modes and owners.

    Raises:
        StepFailed: when hatchling refuses.
    """
    sdist = archive(source, dist, "sdist")
    with tempfile.TemporaryDirectory() as scratch:
        return Built(sdist, archive(unpack(sdist, Path(scratch)), dist, "wheel"))


def archive(source: Path, dist: Path, target: Literal["sdist", "wheel"]) -> Path:
    """Build one target of the project in `source` into `dist`, with the hatchling that is installed."""
    dist.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        run([sys.executable, "-m", "hatchling", "build", "-t", target, "-d", scratch], source)
        [made] = Path(scratch).iterdir()
        return Path(shutil.move(made, dist / made.name))


def unpack(sdist: Path, where: Path) -> Path:
    """Unpack an sdist into the empty folder `where`; return its one folder."""
    with tarfile.open(sdist) as opened:
        # The first releases of Python 3.11 have no filters.
        opened.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        opened.extractall(where)  # noqa: S202 - our own archive, and filtered
    [folder] = where.iterdir()
    return folder
