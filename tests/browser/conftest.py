"""The service of these tests, and a Chromium that says what it asked for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.browser.page import Page
from tests.browser.serving import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return the service that all tests share: none of them may dismiss a card."""
    with running(tmp_path_factory.mktemp("service")) as one:
        yield one


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    """Return a service for one test alone: a dismissed card is quiet from then on."""
    with running(tmp_path) as one:
        yield one


@pytest.fixture
def chromium_options(chromium_options: webdriver.ChromeOptions) -> webdriver.ChromeOptions:
    """Return options for a Chromium that reaches no other host and logs what it asks for."""
    chromium_options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    chromium_options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return chromium_options


@pytest.fixture
def open_page(browser: webdriver.Chrome) -> Callable[..., Page]:
    """Return a function that opens the page of a service, at a view of it."""

    def opened(service: Service, view: str = "") -> Page:
        page = Page(browser, service.base)
        page.open(view)
        return page

    return opened
