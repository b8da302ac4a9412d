"""The sdist and the wheel: what is in them, what they say of themselves, the same bytes each time."""

import os
import shutil
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from trove_classifiers import classifiers, deprecated_classifiers

import cds_service
from scripts.package.archives import Built, archive, build, unpack

CHECKOUT = Path(__file__).resolve().parents[2]
NAMED = {".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}
# All that may be shipped, by folder: what ends otherwise got there by accident.
KINDS = {
    "cds_service": (".py", ".schema.json", ".html", ".css", ".js", ".svg", "py.typed"),
    "cards": (".yaml", ".schema.json", "cards.lock"),
    "fhir_fixtures": (".json", "README.md"),
}
LEFT_BEHIND = ("fhir_fixtures/expected/", "fhir_fixtures/responses/")  # what tests compare with
# What lies about in a checkout that was worked in.
LEFTOVERS = (
    "cards/.DS_Store",
    "cards/electrolytes/.k-01-low-potassium.yaml.swp",
    "cds_service/__pycache__/app.cpython-311.pyc",
    "cds_service/.env",
    "cds_service/audit/audit.sqlite3",
    "cds_service/audit/audit.sqlite3.key",
    "fhir_fixtures/.idea/workspace.xml",
    "fhir_fixtures/responses/k-2-4.md",
    "tests/unit/test_app.py",
    "var/audit.sqlite3",
)


def shipped(folder: str) -> set[str]:
    """The files of a folder of the checkout that are to be shipped."""
    files = (path for path in (CHECKOUT / folder).rglob("*") if path.name.endswith(KINDS[folder]))
    named = {path.relative_to(CHECKOUT).as_posix() for path in files if path.is_file()}
    return {name for name in named if not name.startswith(LEFT_BEHIND)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both archives of the checkout, as `make package` builds them."""
    return build(CHECKOUT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def worked_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout made at another time, with other modes, and with leftovers."""
    copy = tmp_path_factory.mktemp("copy")
    for name in NAMED:
        shutil.copyfile(CHECKOUT / name, copy / name)
    for name in KINDS:
        shutil.copytree(CHECKOUT / name, copy / name, copy_function=shutil.copyfile)
    for name in LEFTOVERS:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("left over")
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return copy


def place(name: str) -> str:
    """Where in the checkout a file of the installed package comes from."""
    own, _, content = name.partition("_content/")
    return content or f"cds_service/{own}"


def members(sdist: Path) -> set[str]:
    """The files of an sdist, below its one folder."""
    with tarfile.open(sdist) as opened:
        folders = {member.name.partition("/")[0] for member in opened.getmembers()}
        assert folders == {f"heavy_legs_cds-{cds_service.__version__}"}
        return {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}


def described(wheel: Path) -> bytes:
    """The METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as opened:
        [name] = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return opened.read(name)


def test_the_sdist_holds_the_code_the_content_and_what_is_said_of_them(built: Built) -> None:
    folders = set().union(*(shipped(folder) for folder in KINDS))
    assert members(built.sdist) == folders | NAMED | {"PKG-INFO"}


def test_the_wheel_holds_the_code_and_the_content_inside_the_package(built: Built) -> None:
    content = {f"cds_service/_content/{name}" for name in shipped("cards") | shipped("fhir_fixtures")}
    about = f"heavy_legs_cds-{cds_service.__version__}.dist-info"
    own = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    with zipfile.ZipFile(built.wheel) as opened:
        names = opened.namelist()
    assert len(names) == len(set(names))
    assert set(names) == shipped("cds_service") | content | {f"{about}/{name}" for name in own}


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "hooks/schemas/request.schema.json",
        "web/templates/page.html",
        "web/static/page.js",
        "_content/cards/rule.schema.json",
        "_content/cards/cards.lock",
        "_content/cards/electrolytes/k-01-low-potassium.cases.yaml",
        "_content/fhir_fixtures/patients/k-2-4.json",
    ],
)
def test_of_each_kind_of_file_that_is_read_at_run_time_one_is_in_the_wheel(
    built: Built, name: str
) -> None:
    with zipfile.ZipFile(built.wheel) as opened:
        assert opened.read(f"cds_service/{name}") == (CHECKOUT / place(name)).read_bytes()


def test_what_the_wheel_says_of_itself_is_valid(built: Built) -> None:
    said = Metadata.from_email(described(built.wheel), validate=True)
    assert said.name == "heavy-legs-cds"
    assert str(said.version) == cds_service.__version__
    assert said.license_expression == "Apache-2.0"
    assert said.license_files == ["LICENSE"]
    assert str(said.requires_python) == ">=3.11"
    assert said.description_content_type == "text/markdown"
    assert said.description == (CHECKOUT / "README.md").read_text("utf-8")
    known = set(said.classifiers or ())
    assert known
    assert known <= classifiers - deprecated_classifiers.keys()


def test_the_sdist_says_the_same_of_itself(built: Built) -> None:
    with tarfile.open(built.sdist) as opened:
        [member] = (one for one in opened.getmembers() if one.name.endswith("/PKG-INFO"))
        read = opened.extractfile(member)
        assert read is not None
        assert read.read() == described(built.wheel)


def test_a_validator_of_metadata_that_accepts_anything_would_be_noticed(built: Built) -> None:
    said = message_from_bytes(described(built.wheel))
    said.replace_header("License-Expression", "Apache 2, more or less")
    with pytest.raises(ExceptionGroup):
        Metadata.from_email(said.as_bytes(), validate=True)


def test_times_modes_and_leftovers_change_no_byte(
    built: Built, worked_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    again = build(worked_in, tmp_path)
    assert again.sdist.name == built.sdist.name
    assert again.sdist.read_bytes() == built.sdist.read_bytes()
    assert again.wheel.read_bytes() == built.wheel.read_bytes()


def test_the_wheel_of_the_checkout_is_the_wheel_of_the_sdist(built: Built, tmp_path: Path) -> None:
    assert archive(CHECKOUT, tmp_path, "wheel").read_bytes() == built.wheel.read_bytes()


def test_an_sdist_can_be_made_from_an_sdist(built: Built, tmp_path: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    unpacked = unpack(built.sdist, tmp_path / "unpacked")
    assert archive(unpacked, tmp_path / "dist", "sdist").read_bytes() == built.sdist.read_bytes()
