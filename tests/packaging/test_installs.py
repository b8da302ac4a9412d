"""What a user gets: from the wheel, by `pip install .`, and from a checkout that is being worked in.

Real environments, empty at first. Every package that goes into one was fetched by hash from
requirements/*.lock, once; after that pip is allowed no index.
"""

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cds_service import content, fitness
from cds_service.cases import fixtures
from scripts.package import __main__ as package
from scripts.package import bill
from scripts.package.environments import StepFailed, environment, locked, pip, run
from scripts.package.trial import call, cards_for, serving

pytestmark = [pytest.mark.packages, pytest.mark.server]

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = [CHECKOUT / "requirements" / f"{name}.lock" for name in ("run", "build")]
FOUND = """
import json
from hashlib import sha256
import cds_service
from cds_service import content, fitness

LEFT = ("expected", "responses")  # of fhir_fixtures: what tests compare with

def files(folder):
    read = (path for path in folder.rglob("*") if path.is_file() and path.parent.name not in LEFT)
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in read}

folders = {name: content.folder(name) for name in ("cards", "fhir_fixtures")}
print(json.dumps({
    "code": cds_service.__file__,
    "folders": {name: str(folder) for name, folder in folders.items()},
    "files": {name: files(folder) for name, folder in folders.items()},
    "digest": fitness.load(content.texts(folders["cards"])).digest,
}))
"""


LOCKED = re.compile(r"^([a-z0-9.-]+)==([^ ]+) ", re.MULTILINE)
# The wheel says MPL-2.0 of certifi: a list of certificates, used unchanged.
LICENCES = re.compile(
    r"(License :: OSI Approved :: )?(MIT|MIT-0|BSD-[23]-Clause|Apache-2\.0|PSF-2\.0|MPL-2\.0|BSD License"
    r"|Apache Software License|Mozilla Public License 2\.0 \(MPL 2\.0\)"
    r"|Apache-2\.0 OR BSD-[23]-Clause|ZPL[ -]2\.1|Zope Public License)"
)
DEPENDENCIES = [
    canonicalize_name(Requirement(one).name)
    for one in tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
]


class Installed(NamedTuple):
    """An environment: its programs, an empty folder to run them from, and what content it finds."""

    programs: Path
    elsewhere: Path
    found: Any


def installed(programs: Path, elsewhere: Path) -> Installed:
    """Ask an environment what it finds."""
    elsewhere.mkdir()
    return Installed(programs, elsewhere, json.loads(run([programs / "python", "-c", FOUND], elsewhere)))


@pytest.fixture(scope="module", autouse=True)
def _locked_packages_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fetch what is locked, by hash; from then on pip knows of nothing else."""
    wheels = tmp_path_factory.mktemp("wheels")
    pip(Path(sys.executable).parent, "download", *locked(*LOCKS), "-d", wheels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        yield


@pytest.fixture(scope="module")
def by_pip(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """`pip install .` into an empty environment: pip builds and resolves by itself."""
    folder = tmp_path_factory.mktemp("by-pip")
    return installed(environment(folder / "environment", [CHECKOUT]), folder / "elsewhere")


@pytest.fixture(scope="module")
def editable(by_pip: Installed, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """`pip install -e .`, in a copy of that environment, in place of what it holds."""
    folder = tmp_path_factory.mktemp("editable")
    shutil.copytree(by_pip.programs.parent, folder / "environment", symlinks=True)
    pip(folder / "environment" / "bin", "install", "--no-deps", "--editable", CHECKOUT)
    return installed(folder / "environment" / "bin", folder / "elsewhere")


def test_make_package_builds_installs_and_gets_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert package.main(["--dist", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gz", ".json", ".whl"]
    assert " cases, 0 differ" in printed
    assert "CRITICAL  Potassium 2.4 mmol/L" in printed
    assert "[Order magnesium]" in printed
    [listed] = tmp_path.glob("*.cdx.json")
    assert_the_bill_lists_what_is_locked(listed)


def assert_the_bill_lists_what_is_locked(listed: Path) -> None:
    locked_versions = set(LOCKED.findall(LOCKS[0].read_text("utf-8")))
    found = bill.components(listed)
    # Only what this system needs of the lock is installed, so a package less is none wrong.
    assert {(name, version) for name, (version, _) in found.items()} <= locked_versions
    for package_name in DEPENDENCIES:
        assert package_name in found
    odd = {name: said for name, (_, said) in found.items() if not all(map(LICENCES.fullmatch, said))}
    assert not odd, "look at the licence, then name it here or leave the package out"
    assert all(said for _, said in found.values())
    assert str(listed.parent) not in listed.read_text("utf-8")


def test_make_package_says_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cds_service", "cards", "fhir_fixtures"):
        shutil.copytree(CHECKOUT / name, tmp_path / name)
    for name in ("LICENSE", "README.md", "CHANGELOG.md", ".gitignore"):
        shutil.copyfile(CHECKOUT / name, tmp_path / name)
    project = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(project.replace('"Apache-2.0"', '"Apache 2"'))
    monkeypatch.setattr(package, "CHECKOUT", tmp_path)
    assert package.main(["--dist", str(tmp_path / "dist")]) == 1
    assert "Apache 2" in capsys.readouterr().err


def test_a_step_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="no such file"):
        run(["sh", "-c", "echo no such file >&2; exit 3"], tmp_path)


def test_pip_install_finds_the_copy_in_the_package(by_pip: Installed) -> None:
    inside = Path(by_pip.found["code"]).parent
    assert by_pip.programs.parent in inside.parents
    assert by_pip.found["folders"] == {
        name: str(inside / "_content" / name) for name in ("cards", "fhir_fixtures")
    }


def test_pip_install_gives_a_service_that_answers_with_a_card(by_pip: Installed) -> None:
    bundle = fixtures.load(content.folder("fhir_fixtures"), "k-2-4")
    moved = fixtures.shifted(bundle, datetime.now(UTC))
    rule_base = fitness.load(content.texts(content.folder("cards")))
    service = rule_base.services_for("patient-view")[0]
    request = msgspec.json.decode(fixtures.encoded(fixtures.hook_request(moved, service)))
    with serving(by_pip.programs, by_pip.elsewhere) as port:
        assert call(port, "/cds-services")["services"]
        with pytest.raises(StepFailed, match="status 404"):
            call(port, "/demo/patients")  # the page is only there with --demo
        [card] = cards_for(port, request)
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Potassium 2.4 mmol/L")
    assert (by_pip.elsewhere / "var" / "audit.sqlite3").is_file()


def test_an_editable_install_runs_the_checkout(editable: Installed) -> None:
    assert editable.found["code"] == str(CHECKOUT / "cds_service" / "__init__.py")
    assert editable.found["folders"] == {
        name: str(CHECKOUT / name) for name in ("cards", "fhir_fixtures")
    }


def test_both_find_the_same_content(by_pip: Installed, editable: Installed) -> None:
    assert by_pip.found["files"]["cards"]
    assert by_pip.found["files"] == editable.found["files"]
    assert by_pip.found["digest"] == editable.found["digest"]
