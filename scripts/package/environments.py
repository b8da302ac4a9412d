"""Fresh virtual environments, and programs run in them with no setting of ours."""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

Words = Sequence[str | Path]


class StepFailed(Exception):  # noqa: N818 - a result, and no slip of the program
    """A step went wrong; the message holds the command and all that it printed."""


def run(command: Words, where: Path) -> str:
    """Run a command in the folder `where`; return what it printed.

    Raises:
        StepFailed: when it ends with another exit code than 0.
    """
    done = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=where, env=plain(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise StepFailed(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def plain() -> dict[str, str]:
    """Return this process's environment without what leads Python or the service elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CDS_", "PYTHON")) and name not in ("HOST", "PORT", "VIRTUAL_ENV")
    }


def environment(where: Path, *installs: Words) -> Path:
    """Make a virtual environment at `where`; run `pip install` for it, once for each of `installs`.

    Returns its folder of programs. It is empty, without even pip: the one of this Python installs.
    """
    venv.create(where, symlinks=True)
    for arguments in installs:
        pip(where / "bin", "install", *arguments)
    return where / "bin"


def pip(programs: Path, *words: str | Path) -> str:
    """Run pip for the environment with these programs, from an empty folder; return what it printed."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    with tempfile.TemporaryDirectory() as nowhere:
        command = [sys.executable, "-m", "pip", "--python", programs / "python", *quiet, *words]
        return run(command, Path(nowhere))


def locked(*locks: Path) -> Words:
    """Return what pip must be told to take a lock: by hash, from wheels only."""
    named = [word for lock in locks for word in ("-r", lock)]
    return ["--no-deps", "--require-hashes", "--only-binary", ":all:", *named]
