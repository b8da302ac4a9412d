"""Take the pictures of the documentation: docs/images/page.png and card.png.

    make screenshot
    make screenshot ARGS='--view critical-limb/patient-view'

Starts the service with the fixture patients and opens its page in a headless Chromium. The fonts are
those of the machine: those in the repository were taken with Inter installed (Debian: fonts-inter).
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import requests
from selenium import webdriver

from tests.browser.page import Page
from tests.browser.serving import running

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH, HEIGHT, SCALE = 1280, 1320, 1.25
SEVERITY = {"info": 0, "warning": 1, "critical": 2}


def main() -> None:
    """Take both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--view", default="", help="patient/hook; else the one that has most to show")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)) as service:
        view = chosen.view or telling(service.base)
        browser = webdriver.Chrome(
            options=options(Path(scratch)),
            service=webdriver.ChromeService(executable_path=shutil.which("chromedriver")),
        )
        try:
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": SCALE, "mobile": False},
            )
            page = Page(browser, service.base)
            page.open(view)
            page.press("#send")  # the first answer of a fresh process takes longer than any other
            page.settled(view)
            chosen.folder.mkdir(parents=True, exist_ok=True)
            browser.save_screenshot(str(chosen.folder / "page.png"))
            page.cards[0].screenshot(str(chosen.folder / "card.png"))
        finally:
            browser.quit()
    print(f"{view} -> {chosen.folder}/page.png, card.png")


def options(scratch: Path) -> webdriver.ChromeOptions:
    """Return options for a Chromium that shows no scroll bars and has a profile of its own."""
    made = webdriver.ChromeOptions()
    made.binary_location = shutil.which("chromium") or ""
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--hide-scrollbars",
        "--no-first-run",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--user-data-dir={scratch / 'chromium-profile'}",
    ):
        made.add_argument(flag)
    return made


def telling(base: str) -> str:
    """Return the view with the gravest card and most to accept; of those, what is soonest read."""

    def told(view: str) -> tuple[int, int, int, int]:
        request = requests.get(f"{base}demo/requests/{view}", timeout=10)
        service = services[view.partition("/")[2]]
        answer = requests.post(f"{base}cds-services/{service}", data=request.content, timeout=10)
        cards = answer.json()["cards"]
        gravest = max((SEVERITY[card["indicator"]] for card in cards), default=-1)
        offers = sum(len(card.get("suggestions", ())) for card in cards)
        return gravest, len(cards), offers, -len(answer.content)

    patients = requests.get(f"{base}demo/patients", timeout=10).json()
    found = requests.get(f"{base}cds-services", timeout=10).json()["services"]
    services = {service["hook"]: service["id"] for service in found}
    return max((f"{one['name']}/{hook}" for one in patients for hook in services), key=told)


if __name__ == "__main__":
    main()
