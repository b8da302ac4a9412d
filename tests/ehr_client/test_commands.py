"""`cds-service fixtures load` and `cds-service try`, as a person uses them."""

from pathlib import Path

import pytest

from tests.ehr_client.commands import command, folder_of
from tests.ehr_client.conftest import Loaded

pytestmark = pytest.mark.server


def test_a_patient_is_loaded_and_looked_at(fhir_server: Loaded, service: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"k-2-4": "k-command"})
    loaded = command(folder, "fixtures", "load", fhir_server.base)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith("1 patient, ")
    assert "SYNTHETIC" in loaded.stderr

    shown = command(folder, "try", fhir_server.base, "k-command", "--service", service)
    assert shown.returncode == 0, shown.stderr
    assert "CRITICAL  Potassium 2.4 mmol/L" in shown.stdout
    # What sekmet cannot search by is said, and is no empty list.
    [line] = [one for one in shown.stdout.splitlines() if one.startswith("  questionnaireR")]
    assert "not sent: 400" in line

    patients_own = command(
        folder, "try", fhir_server.base, "k-command", "--service", service, "--user", "Patient/k-command"
    )
    assert "No card: not-a-clinicians-view, for every rule." in patients_own.stdout


def test_what_is_no_r4_is_left_out_and_the_rest_is_loaded(fhir_server: Loaded, tmp_path: Path) -> None:
    loaded = command(
        folder_of(tmp_path, {"messy": "messy-command"}), "fixtures", "load", fhir_server.base
    )
    assert loaded.returncode == 0, loaded.stderr
    for id_ in ("Observation/messy-command-k-wrong-type", "Procedure/messy-command-no-status"):
        assert f"left out {id_}: broken on purpose, is no R4" in loaded.stderr
