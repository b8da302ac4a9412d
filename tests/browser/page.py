"""The page as its tests see it: what can be chosen, what is shown, what the browser asked for."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 15.0  # seconds


class Page:
    """One open page."""

    def __init__(self, browser: webdriver.Chrome, base: str) -> None:
        self.browser = browser
        self.base = base

    def open(self, view: str = "") -> None:
        """Load the page anew, at `patient/hook`; without a view, where it begins."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.base}#{view}" if view else self.base)
        self.settled(view)

    def settled(self, view: str = "") -> None:
        """Wait until the answer for a view is drawn."""
        self.until(
            lambda: (
                self.data("state") in ("answered", "failed")
                and (not view or self.data("view") == f"#{view}")
            ),
            f"no answer drawn for {view or 'the first view'}",
        )

    def until(self, holds: Callable[[], Any], otherwise: str) -> None:
        """Wait until something holds."""
        WebDriverWait(self.browser, PATIENCE, 0.02).until(lambda _: holds(), otherwise)

    def data(self, name: str) -> str:
        """Return what the page says about its own state."""
        value = self.browser.execute_script("return document.body.dataset[arguments[0]]", name)
        return str(value or "")

    def all(self, selector: str) -> list[WebElement]:
        """Return every element that a selector names."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """Return the first element that a selector names."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return the text of an element, shown or not."""
        return str(self.one(selector).get_property("textContent"))

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that a selector names, shown or not."""
        return [str(one.get_property("textContent")) for one in self.all(selector)]

    @property
    def cards(self) -> list[WebElement]:
        """The cards that are drawn."""
        return self.all("#cards > .card")

    @property
    def answer(self) -> dict[str, Any]:
        """The response as the page shows it."""
        found: dict[str, Any] = json.loads(self.text("#response"))
        return found

    @property
    def request(self) -> str:
        """The request as the page shows it."""
        return str(self.one("#request").get_property("value"))

    def views(self) -> list[str]:
        """Return every `patient/hook` the service offers, by its own account."""
        patients = requests.get(f"{self.base}demo/patients", timeout=10).json()
        services = requests.get(f"{self.base}cds-services", timeout=10).json()["services"]
        return [
            f"{quote(patient['name'])}/{quote(one['hook'])}" for patient in patients for one in services
        ]

    def choose(self, view: str) -> None:
        """Click the patient and the hook of a view, where they are not the chosen ones."""
        patient, hook = view.split("/")
        for link in (f'#patients a[data-patient="{patient}"]', f'#hooks a[data-hook="{hook}"]'):
            if not self.all(f"{link}[aria-current]"):
                self.press(link)
                self.until(partial(self.all, f"{link}[aria-current]"), f"{link} is not chosen")
        self.settled(view)

    def press(self, target: str | WebElement) -> None:
        """Click what may lie outside the window or in a folded list."""
        element = self.one(target) if isinstance(target, str) else target
        self.browser.execute_script("arguments[0].click()", element)

    def edit(self, text: str) -> None:
        """Put another text into the request and send it."""
        self.browser.execute_script(
            "const field = document.getElementById('request'); field.value = arguments[0];"
            "field.dispatchEvent(new Event('input'));",
            text,
        )
        self.press("#send")
        self.settled()

    def complaints(self) -> list[str]:
        """Return what the browser's console says, since last asked."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def calls(self) -> list[dict[str, Any]]:
        """Return the requests the browser made, since last asked."""
        entries = (json.loads(entry["message"]) for entry in self._log("performance"))
        messages = [entry["message"] for entry in entries]
        return [
            message["params"]["request"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.browser.get_log(name)  # type: ignore[no-untyped-call]
        return entries
