"""The software bill of materials: every package of an installed service, with its licence."""

import json
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from scripts.package.environments import run

_MODULE = "cyclonedx_py"
_VERSION = "1.6"  # of CycloneDX


def write(programs: Path, project: Path, where: Path) -> Path:
    """Write the bill of the environment with these programs to the file `where`; return it.

    CycloneDX JSON, checked against its schema. The same packages always give the same bytes: it has
    neither time nor serial number.

    Args:
        programs: the folder of programs of an environment that holds the service and nothing else.
        project: its `pyproject.toml`, which names the component that the bill is of.
        where: the file.

    Raises:
        StepFailed: when the environment cannot be read.
    """
    words = [sys.executable, "-m", _MODULE, "environment", "--output-reproducible", "--validate"]
    words += ["--spec-version", _VERSION, "--pyproject", str(project), "--output-file", str(where)]
    run([*words, str(programs / "python")], where.parent)
    return where


def components(bill: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Package → its version and the licences that it names."""
    listed = json.loads(bill.read_bytes())["components"]
    return {canonicalize_name(one["name"]): (one["version"], _licences(one)) for one in listed}


def _licences(component: dict[str, Any]) -> tuple[str, ...]:
    found = []
    for one in component.get("licenses", ()):
        licence = one.get("license", {})
        found.append(one.get("expression") or licence.get("id") or licence.get("name", ""))
    return tuple(found)
