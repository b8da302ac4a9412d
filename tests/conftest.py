"""Which tests need a real component, and what happens where it is missing.

A test marked `browser`, `compose`, `nginx`, `packages`, `server`, `fhir_server`, `hapi` or
`shared_data`, or one that asks for a fixture of that name, needs that component. Where it is
missing the test is skipped, and the closing summary says why. CDS_REQUIRE=browser,server names the
components that must be there: then it fails instead, so that a run which is meant to be whole
cannot be green by having skipped.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from selenium import webdriver

from cds_service import content
from cds_service.rulebase import loader
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.reading import Document
from tests.ehr_client import fhir_server
from tests.integration.hapi import running as hapi

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("CDS_SHARED_DATA") or CHECKOUT.parent / "shared" / "data")
# `quick` always draws the same examples, so that two runs of one commit agree; `thorough` new ones.
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
settings.register_profile(
    "quick", max_examples=100, derandomize=True, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile(
    "thorough", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
REQUIRED = frozenset(filter(None, os.environ.get("CDS_REQUIRE", "").replace(" ", "").split(",")))


def no_browser() -> str | None:
    """Say what of the browser is missing."""
    missing = [program for program in ("chromium", "chromedriver") if not shutil.which(program)]
    if not missing:
        return None
    return f"no {' and no '.join(missing)} on PATH (Debian: apt install chromium chromium-driver)"


def no_server() -> str | None:
    """Say why no server can listen on a loopback port here."""
    try:
        with socket.create_server(("127.0.0.1", 0)):
            return None
    except OSError as error:
        return f"cannot listen on 127.0.0.1: {error}"


def no_shared_data() -> str | None:
    """Say where the larger patient data was looked for."""
    if SHARED_DATA.is_dir():
        return None
    return f"no patient data at {SHARED_DATA} (set CDS_SHARED_DATA to its folder)"


def no_fhir_server() -> str | None:
    """Say how to get the FHIR server that others wrote."""
    if fhir_server.command():
        return None
    return "no sekmet beside this Python or on PATH (PyPI: sekmet-fhir; `make test` installs it)"


def nginx() -> str | None:
    """Return the program; Debian puts it where only root looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def no_nginx() -> str | None:
    """Say how to get the proxy."""
    return None if nginx() else "no nginx on PATH or in /usr/sbin (Debian: apt install nginx-light)"


def no_compose() -> str | None:
    """Say how to get Compose, which reads docker-compose.yml without a Docker engine."""
    if shutil.which("docker-compose"):
        return None
    return "no docker-compose on PATH (Debian: apt install docker-compose)"


@cache
def no_container() -> str | None:
    """Say why no file system can be laid over this one, in which an image is built without Docker."""
    if os.geteuid() != 0:
        return "only root may mount, and so build the image without Docker"
    if missing := [one for one in ("unshare", "nsenter", "setpriv", "chroot") if not shutil.which(one)]:
        return f"no {' and no '.join(missing)} on PATH (Debian: apt install util-linux coreutils)"
    with tempfile.TemporaryDirectory() as folder:
        over = "mkdir a b c && mount -t overlay overlay -o lowerdir=/,upperdir=a,workdir=b c"
        script = f"cd {folder} && mount -t tmpfs tmpfs . && cd {folder} && {over}"
        command = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"cannot mount: {tried.stderr.strip()}" if tried.returncode else None


@cache
def no_packages() -> str | None:
    """Say why pip gets no package, by fetching the smallest of those that are locked."""
    lock = CHECKOUT / "requirements" / "build.lock"
    wanted = next(
        line.split()[0] for line in lock.read_text().splitlines() if line.startswith("editables")
    )
    with tempfile.TemporaryDirectory() as folder:
        quick = ("--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "10")
        command = [sys.executable, "-m", "pip", "download", *quick, "--no-deps", "-d", folder, wanted]
        fetched = subprocess.run(command, capture_output=True, text=True, check=False)
    if not fetched.returncode:
        return None
    return f"pip gets no packages: {(fetched.stderr.strip() or 'no reason given').splitlines()[-1]}"


ABSENCE: dict[str, Callable[[], str | None]] = {
    "browser": no_browser,
    "compose": no_compose,
    "container": no_container,
    "nginx": no_nginx,
    "packages": no_packages,
    "server": no_server,
    "fhir_server": no_fhir_server,
    "hapi": hapi.absence,
    "shared_data": no_shared_data,
}


def pytest_configure() -> None:
    """Refuse a misspelt component: it would require nothing."""
    if unknown := REQUIRED - ABSENCE.keys():
        message = f"CDS_REQUIRE names {sorted(unknown)}; the components are {sorted(ABSENCE)}"
        raise pytest.UsageError(message)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that asks for a component's fixture."""
    for item in items:
        for component in ABSENCE.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(component)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail if it is required, a test whose component is missing."""
    for component, absence in ABSENCE.items():
        if item.get_closest_marker(component) and (reason := absence()):
            if component in REQUIRED:
                pytest.fail(f"{component} is required by CDS_REQUIRE: {reason}", pytrace=False)
            pytest.skip(f"{component}: {reason}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of the larger patient data: Synthea, MIMIC-IV demo, US Core examples."""
    return SHARED_DATA


@pytest.fixture(scope="session")
def shipped_texts() -> dict[str, str]:
    """Return the shipped content files, relative path to text."""
    return content.texts(content.folder("cards"))


@pytest.fixture(scope="session")
def shipped_documents(shipped_texts: dict[str, str]) -> dict[str, list[Document]]:
    """Return the shipped content files as plain values, by kind: read once, to be read only."""
    documents, problems = loader.documents_of(shipped_texts)
    assert problems == []
    return documents


@pytest.fixture(scope="session")
def shipped(shipped_texts: dict[str, str]) -> RuleBase:
    """Return the shipped rule base, whatever the lock says: built once, as it is frozen."""
    found, problems = loader.examine(shipped_texts, check_lock=False)
    assert found is not None, problems
    return found


@pytest.fixture
def chromium_options(tmp_path: Path) -> webdriver.ChromeOptions:
    """Return options for a quiet, offline Chromium with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (
        "--headless=new",
        "--no-sandbox",  # CI runs as root
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",  # a container's /dev/shm is small
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,1000",
        f"--user-data-dir={tmp_path / 'chromium-profile'}",
    ):
        options.add_argument(flag)
    return options


@pytest.fixture
def browser(chromium_options: webdriver.ChromeOptions) -> Iterator[webdriver.Chrome]:
    """Drive the system's Chromium; naming its driver keeps Selenium from fetching one."""
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=chromium_options, service=service)
    try:
        driver.set_page_load_timeout(30)
        yield driver
    finally:
        driver.quit()
