"""The layers of ARCHITECTURE 3 hold, and the check that says so can fail.

The contract itself is [tool.importlinter] in pyproject.toml. Each test below copies the package,
breaks the copy in one way, and expects the checker to name what was broken.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package in `folder`, by the contract in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def ruff_on(code: str, as_file: str) -> subprocess.CompletedProcess[str]:
    """Check `code` for banned calls as if it stood in `as_file`."""
    command = ["check", "--no-cache", "--select=TID251", "--output-format=concise"]
    return subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--stdin-filename", as_file, "-"],
        cwd=CHECKOUT,
        input=code,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def append(folder: Path, module: str, statement: str) -> None:
    """Add a line to `cds_service.<module>`, be it a folder or a single file."""
    package = folder / "cds_service" / module
    file = package / "__init__.py" if package.is_dir() else package.with_suffix(".py")
    file.write_text(file.read_text(encoding="utf-8") + f"\n{statement}\n", encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with the contract and the package's Python, free to be broken."""
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    shutil.copytree(
        CHECKOUT / "cds_service",
        tmp_path / "cds_service",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return tmp_path


def test_the_package_keeps_its_contract() -> None:
    result = lint_imports(CHECKOUT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 kept, 0 broken" in result.stdout


def test_every_folder_with_python_is_a_package() -> None:
    # import-linter does not see into a folder without __init__.py: there a module would escape.
    package = CHECKOUT / "cds_service"
    folders = {file.parent for file in package.rglob("*.py")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


@pytest.mark.parametrize(
    ("module", "statement", "said"),
    [
        ("rules", "import flask", "cds_service.rules is not allowed to import flask"),
        ("presentation", "import sqlite3", "presentation is not allowed to import sqlite3"),
        ("decision", "import logging", "cds_service.decision is not allowed to import logging"),
        ("fhir", "import socket", "cds_service.fhir is not allowed to import socket"),
        ("hooks", "from http import client", "cds_service.hooks is not allowed to import http"),
        ("rules", "import time", "cds_service.rules is not allowed to import time"),
        # Against the layers.
        ("facts", "from cds_service import audit", "is not allowed to import cds_service.audit"),
        ("facts", "from cds_service import rules", "is not allowed to import cds_service.rules"),
        # With the layers, yet not for the core: it is handed its settings.
        ("rulebase", "from cds_service import settings", "to import cds_service.settings"),
    ],
)
def test_a_forbidden_import_is_caught(copy: Path, module: str, statement: str, said: str) -> None:
    append(copy, module, statement)
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert said in result.stdout


def test_a_forbidden_import_by_way_of_our_own_module_is_caught(copy: Path) -> None:
    append(copy, "failures", "import requests")
    append(copy, "fhir", "from cds_service import failures")
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "cds_service.fhir is not allowed to import requests" in result.stdout


@pytest.mark.parametrize("stray", ["stray/__init__.py", "stray.py"])
def test_a_module_without_a_layer_is_caught(copy: Path, stray: str) -> None:
    file = copy / "cds_service" / stray
    file.parent.mkdir(exist_ok=True)
    file.write_text('"""Nobody said which layer this is."""\n', encoding="utf-8")
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "not listed as layers" in result.stdout
    assert "cds_service.stray" in result.stdout


READS_A_CLOCK = """
import datetime as dt
import time
from datetime import date, datetime

a = datetime.now(dt.UTC)
b = date.today()
c = dt.datetime.utcnow()
d = dt.datetime.today()
e = time.time()
"""


@pytest.mark.parametrize(
    "file",
    ["decision.py", "rules/evaluation.py", "facts/derived/kidney.py", "ehr/fetch.py", "cases.py"],
)
def test_reading_a_clock_is_caught(file: str) -> None:
    result = ruff_on(READS_A_CLOCK, f"cds_service/{file}")
    assert result.returncode == 1, result.stderr
    assert result.stdout.count("time is an argument (ARCHITECTURE 5.4)") == len("abcde")


@pytest.mark.parametrize(
    "file", ["app.py", "invocation.py", "cli/main.py", "web/pages.py", "audit/log.py"]
)
def test_the_shell_may_read_the_clock(file: str) -> None:
    result = ruff_on(READS_A_CLOCK, f"cds_service/{file}")
    assert result.returncode == 0, result.stdout


def test_fetching_outside_ehr_is_caught() -> None:
    result = ruff_on("import urllib.request\n", "cds_service/hooks/request.py")
    assert result.returncode == 1, result.stderr
    assert "urllib.request" in result.stdout
