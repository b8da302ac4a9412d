"""The program in the README, run as it stands there."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.cases import fixtures
from tests.conftest import CHECKOUT
from tests.ehr_client.conftest import Loaded
from tests.ehr_client.ehr import Ehr
from tests.golden import pairs

PROGRAM = re.compile(r"<summary>as_an_ehr\.py</summary>\s+```python\n(.*?)```", re.DOTALL)
TODAY = "k-2-4-today"  # the program sends no time of its own, so the patient has to be of today


@pytest.mark.server
def test_the_program_in_the_readme_shows_a_card(
    fhir_server: Loaded, service: str, tmp_path: Path
) -> None:
    found = PROGRAM.search((CHECKOUT / "README.md").read_text("utf-8"))
    assert found, "README.md has no as_an_ehr.py"
    program = tmp_path / "as_an_ehr.py"
    program.write_text(found[1], "utf-8")

    bundle = fixtures.shifted(fixtures.load(pairs.FOLDER, "k-2-4"), datetime.now(UTC))
    Ehr(fhir_server.base, "").load(
        json.loads(fixtures.encoded(bundle).replace(b"k-2-4", TODAY.encode()))
    )
    ended = subprocess.run(
        [sys.executable, str(program), fhir_server.base, f"{service}/heavy-legs-patient-view", TODAY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("critical\nPotassium 2.4 mmol/L")
    assert "**Consider**" in ended.stdout
