"""`cds-service fixtures load` and `cds-service try`, as a person uses them, against HAPI."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.ehr_client.commands import command, folder_of
from tests.ehr_client.ehr import Ehr
from tests.integration.hapi.conftest import Loaded

pytestmark = [pytest.mark.hapi, pytest.mark.server]

NAMES = {"k-2-4": "command-k", "knee-oa-order": "command-knee", "messy": "command-messy"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of fixtures with ids of its own."""
    return folder_of(tmp_path_factory.mktemp("fixtures"), NAMES)


@pytest.fixture(scope="module")
def loading(hapi: Loaded, folder: Path) -> subprocess.CompletedProcess[str]:
    return command(folder, "fixtures", "load", hapi.base)


def test_load_says_what_it_loaded_and_what_it_left_out(
    hapi: Loaded, loading: subprocess.CompletedProcess[str]
) -> None:
    assert loading.returncode == 0, loading.stderr
    assert loading.stdout.startswith("3 patients, ")
    assert "HAPI FHIR Server 8" in loading.stderr
    assert "SYNTHETIC" in loading.stderr
    assert "left out Observation/command-messy-k-wrong-type: broken on purpose" in loading.stderr
    assert "refused" not in loading.stderr
    assert Ehr(hapi.base, "").found("Observation?patient=command-k")


def test_loading_again_replaces_and_leaves_a_stranger_alone(
    hapi: Loaded, folder: Path, loading: subprocess.CompletedProcess[str]
) -> None:
    again = command(folder, "fixtures", "load", hapi.base, "--patient", "command-k")
    assert (again.returncode, loading.returncode) == (0, 0), again.stderr
    stranger = {"resourceType": "Patient", "id": "command-knee", "active": True}
    request = {"method": "PUT", "url": "Patient/command-knee"}
    Ehr(hapi.base, "").load(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"resource": stranger, "request": request}],
        }
    )
    refused = command(folder, "fixtures", "load", hapi.base, "--patient", "command-knee")
    assert refused.returncode == 1
    assert "refused  Patient/command-knee: the server has another patient of this id" in refused.stderr
    forced = command(folder, "fixtures", "load", hapi.base, "--patient", "command-knee", "--overwrite")
    assert forced.returncode == 0, forced.stderr


def test_try_shows_the_card_what_was_asked_and_how_long_it_took(
    hapi: Loaded, service: str, folder: Path, loading: subprocess.CompletedProcess[str]
) -> None:
    assert loading.returncode == 0
    shown = command(folder, "try", hapi.base, "command-k", "--service", service)
    assert shown.returncode == 0, shown.stderr
    assert "Patient/command-k  Dana Example" in shown.stdout
    assert "CRITICAL  Potassium 2.4 mmol/L" in shown.stdout
    assert "  laboratory               4\n" in shown.stdout
    assert "heavy-legs-patient-view: 200 after " in shown.stdout


def test_try_signs_the_orders_that_are_drafts_on_the_server(
    hapi: Loaded, service: str, folder: Path, loading: subprocess.CompletedProcess[str]
) -> None:
    assert loading.returncode == 0
    told = command(
        folder, "try", hapi.base, "command-knee", "--hook", "order-sign", "--service", service, "--json"
    )
    assert told.returncode == 0, told.stderr
    assert "draft orders: ServiceRequest/command-knee-draft-" in told.stderr
    cards = json.loads(told.stdout)["cards"]
    assert cards[0]["summary"].startswith("Knee MRI at 58")


def test_try_names_the_patient_that_is_not_there(hapi: Loaded, service: str, folder: Path) -> None:
    told = command(folder, "try", hapi.base, "nobody", "--service", service)
    assert told.returncode == 2
    assert "there is no Patient/nobody: 404" in told.stderr
    assert f"cds-service fixtures load {hapi.base}" in told.stderr
