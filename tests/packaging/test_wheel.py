"""What a user installs holds the rule base and the fixtures, and works from anywhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel of the checkout and unpack it somewhere else, without its dependencies."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    (wheel,) = out.glob("*.whl")
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(installed: Path, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", "cds_service", *arguments],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_content_is_in_the_package(installed: Path) -> None:
    content = installed / "cds_service" / "_content"
    assert (content / "cards" / "cards.lock").is_file()
    assert (content / "cards" / "electrolytes" / "k-01-low-potassium.cases.yaml").is_file()
    assert (content / "fhir_fixtures" / "patients" / "k-2-4.json").is_file()
    assert not (installed / "cards").exists()


def test_it_is_the_installed_copy_that_runs(installed: Path, tmp_path: Path) -> None:
    code = "import cds_service.content as c; print(c.folder('cards'))"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(installed / "cds_service" / "_content" / "cards")


def test_the_rule_base_is_whole(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "rules", "check")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_patient_is_evaluated(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "evaluate", "k-2-4")
    assert result.returncode == 0, result.stderr
    assert "Potassium 2.4 mmol/L" in result.stdout
