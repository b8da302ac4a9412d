"""The command line, with invented patients under ids of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.ehr_client.charts import bundle
from tests.ehr_client.ehr import exact


def folder_of(place: Path, names: Mapping[str, str]) -> Path:
    """Return a folder of fixtures renamed: what is loaded replaces no other test's patient."""
    (place / "patients").mkdir()
    for name, to in names.items():
        text = exact.encode(bundle(name)).replace(name.encode(), to.encode())
        (place / "patients" / f"{to}.json").write_bytes(text)
    return place


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call `cds-service` with those fixtures."""
    return subprocess.run(
        [sys.executable, "-m", "cds_service", *arguments],
        env={"CDS_FIXTURES_DIR": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
