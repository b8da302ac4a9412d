"""The page to try the service on, in a real browser, with the real service behind it."""

import json
import re
import shutil
import subprocess
from itertools import groupby
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from cds_service import content
from cds_service.audit import reading
from cds_service.rulebase import loader
from tests.browser.serving import Service
from tests.browser.views import OpenPage, any_card, offers, view_with

pytestmark = pytest.mark.server

LABELS = {"Why", "Consider", "Not known", "Source", "Also", "Also considered"}
HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


# --- loading -------------------------------------------------------------------------------------


def test_it_loads_without_a_complaint_and_asks_no_other_host(
    service: Service, open_page: OpenPage
) -> None:
    page = open_page(service)
    page.complaints()
    page.calls()
    page.open()
    assert page.complaints() == []
    calls = [call for call in page.calls() if not call["url"].startswith(("data:", "about:"))]
    assert len(calls) > 5
    assert [call["url"] for call in calls if not call["url"].startswith(service.base)] == []
    assert "not a diagnosis" in page.text(".banner")
    assert page.data("state") == "answered"


def test_no_script_runs_but_the_pages_own(service: Service, open_page: OpenPage) -> None:
    page = open_page(service)
    page.browser.execute_script(
        "const made = document.createElement('script');"
        "made.textContent = 'window.hacked = 1'; document.body.append(made);"
        "const drawn = document.createElement('div');"
        "drawn.innerHTML = '<img src=x onerror=\"window.hacked = 1\">'; document.body.append(drawn);"
    )
    page.until(lambda: len(page.complaints()) >= 1, "the policy did not speak")
    assert page.browser.execute_script("return window.hacked") is None


# --- a hook request and its cards ------------------------------------------------------------------


def each_patient_once(views: list[str]) -> list[str]:
    """One view of each patient, the hooks in turn."""
    of_patient = [list(one) for _, one in groupby(views, key=lambda view: view.rpartition("/")[0])]
    return [of_one[number % len(of_one)] for number, of_one in enumerate(of_patient)]


def test_each_patient_and_each_hook_is_posted_and_its_cards_are_drawn(
    service: Service, open_page: OpenPage
) -> None:
    page = open_page(service)
    views = each_patient_once(page.views())
    assert len({view.rpartition("/")[2] for view in views}) == 4
    assert len({view.rpartition("/")[0] for view in views}) == len(views) > 100
    page.open(views[-1])
    page.calls()
    drawn = 0
    for view in views:
        page.choose(view)
        assert page.data("state") == "answered", view
        answer = page.answer
        summaries = [card["summary"] for card in answer["cards"]]
        assert [card.find_element("css selector", ".summary").text for card in page.cards] == (
            summaries
        ), view
        assert len(page.all("#cards > .empty")) == (0 if summaries else 1), view
        assert page.browser.current_url == f"{service.base}#{view}"
        sent = [call for call in page.calls() if call["method"] == "POST"]
        assert json.loads(sent[-1]["postData"]) == json.loads(page.request), view
        assert sent[-1]["headers"]["X-Heavy-Legs-Page"] == "1"
        assert sent[-1]["url"].rsplit("/", 1)[0] == f"{service.base}cds-services"
        drawn += len(summaries)
    assert drawn > 0
    assert page.complaints() == []


def test_a_card_is_drawn_whole(service: Service, open_page: OpenPage) -> None:
    view = view_with(service.base, offers)
    page = open_page(service, view)
    for card, element in zip(page.answer["cards"], page.cards, strict=True):
        assert card["indicator"] in str(element.get_attribute("class")).split()
        words = {"info": "Information", "warning": "Warning", "critical": "Critical"}
        assert element.find_element("css selector", ".indicator").text == words[card["indicator"]]
        labels = re.findall(r"^\*\*(.+?)\*\*", card["detail"], re.MULTILINE)
        bold = element.find_elements("css selector", ".detail strong")
        assert [one.text for one in bold] == labels
        buttons = element.find_elements("css selector", ".suggestion")
        assert [one.text for one in buttons] == [one["label"] for one in card["suggestions"]]
        link = element.find_element("css selector", ".source a")
        assert link.get_attribute("href") == card["source"]["url"]
        assert "noopener" in str(link.get_attribute("rel")).split()


def test_a_link_opens_the_same_view_and_back_returns(service: Service, open_page: OpenPage) -> None:
    page = open_page(service)
    first, last = page.views()[0], page.views()[-1]
    page.open(last)
    chosen = [one.get_attribute("href") for one in page.all("[aria-current]")]
    assert chosen == [f"{service.base}#{last}"] * 2
    page.choose(first)
    page.browser.back()
    page.browser.back()
    page.settled(last)


def test_a_link_to_nobody_says_so(service: Service, open_page: OpenPage) -> None:
    page = open_page(service, "nobody/patient-view")
    assert page.data("state") == "failed"
    assert "404" in page.text("#status")
    assert "no fixture patient" in page.text("#cards [role=alert]")


def test_an_edited_request_is_sent_as_it_stands(service: Service, open_page: OpenPage) -> None:
    page = open_page(service, view_with(service.base, any_card))
    whole = page.request
    page.edit(whole[:-5])
    assert page.data("state") == "failed"
    assert "400" in page.text("#status")
    assert "error, invalid" in page.text("#cards [role=alert]")
    assert not page.one("#rules").is_displayed()

    emptied = json.loads(whole)
    emptied["prefetch"]["patient"] = None
    page.edit(json.dumps(emptied))
    assert "412" in page.text("#status")

    page.press("#reset")
    page.until(lambda: page.data("state") == "answered" and page.cards, "it did not start over")


def test_digits_and_hidden_characters_stay_visible(service: Service, open_page: OpenPage) -> None:
    page = open_page(service)
    script = """
        const [json, done] = arguments;
        import(new URL("static/text.js", document.baseURI)).then(
          ({ pretty, visible }) => done([pretty(json), visible(json)]));
    """
    json_text = '{"a":[3.0,{},[]],"b":"x\\" {\u202ey","c":{"d":null}}'
    pretty, visible = page.browser.execute_async_script(script, json_text)
    assert pretty == (
        '{\n  "a": [\n    3.0,\n    {},\n    []\n  ],\n  "b": "x\\" {\\u202ey",\n'
        '  "c": {\n    "d": null\n  }\n}'
    )
    assert json.loads(visible) == json.loads(json_text)
    assert "\u202e" not in visible


# --- hostile text --------------------------------------------------------------------------------


def stored(service: Service, card: str) -> list[dict[str, Any]]:
    """What the audit log has about the feedback on a card."""
    rows = reading.about(service.audit, card)
    return [row.event for row in rows if row.event["kind"] == "feedback"]


def test_accepting_shows_the_draft_and_posts_feedback(own_service: Service, open_page: OpenPage) -> None:
    page = open_page(own_service, view_with(own_service.base, offers))
    card = page.answer["cards"][0]
    chosen = card["suggestions"][0]
    button = page.one(".suggestion")
    page.browser.execute_script("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    page.until(lambda: page.text(".card .state") == "Accepted", "it was not marked accepted")
    assert "accepted" in str(button.get_attribute("class"))
    resource = chosen["actions"][0].get("resource", {})
    assert resource.get("resourceType", "") in page.text(".draft")
    assert json.loads(page.text(".draft .code")) == resource
    assert "200" in page.text("#feedback .call")
    said = json.loads(page.text("#feedback .code"))["feedback"]
    assert [one["acceptedSuggestions"] for one in said] == [[{"id": chosen["uuid"]}]]

    button.send_keys(Keys.ENTER)  # once is enough
    assert len(page.all("#feedback li")) == 1
    (event,) = stored(own_service, card["uuid"])
    assert event["outcome"] == "accepted"
    assert event["suggestions"] == [chosen["uuid"]]


def test_dismissing_with_a_reason_posts_it_and_quietens_the_card(
    own_service: Service, open_page: OpenPage
) -> None:
    def quietens(card: dict[str, Any]) -> bool:
        return card["indicator"] == "info" and bool(card.get("overrideReasons"))

    page = open_page(own_service, view_with(own_service.base, quietens, alone=True))
    card = page.answer["cards"][0]
    rule = card["extension"]["org.heavylegs.basis"]["rules"][0]["id"]
    reason = card["overrideReasons"][0]

    page.press(".dismiss")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not page.one(".dismissal").is_displayed()

    page.press(".dismiss")
    offered = page.all(".dismissal option")
    assert [one.text for one in offered[1:]] == [one["display"] for one in card["overrideReasons"]]
    offered[1].click()
    page.press(".dismissal .primary")
    page.until(
        lambda: page.text(".card .state") == f"Dismissed: {reason['display']}",
        "it was not marked dismissed",
    )
    assert not page.one(".card .detail").is_displayed()
    assert page.browser.switch_to.active_element == page.cards[0]
    said = json.loads(page.text("#feedback .code"))["feedback"][0]
    assert said["overrideReason"]["reason"] == reason
    (event,) = stored(own_service, card["uuid"])
    assert (event["outcome"], event["reason"]) == ("overridden", reason["code"])

    page.press("#reset")
    page.until(lambda: page.data("state") == "answered" and not page.cards, "still not quiet")
    assert "Kept back" in page.text(".empty")
    assert page.one(f'[data-rule="{rule}"]').get_attribute("data-shown") == "suppressed"


def test_feedback_that_is_refused_is_said(
    service: Service, open_page: OpenPage, browser: webdriver.Chrome
) -> None:
    page = open_page(service, view_with(service.base, offers))
    browser.execute_script(
        "const real = window.fetch; window.fetch = (path, options) =>"
        " real(String(path).replace('/feedback', '/nowhere'), options);"
    )
    page.press(".suggestion")
    page.until(lambda: "refused: 40" in page.text(".card .state"), "the refusal was not shown")
    assert page.all(".draft") == []
    assert page.one(".suggestion").get_attribute("aria-disabled") is None


# --- rules ---------------------------------------------------------------------------------------


def test_the_table_lists_every_rule_of_the_rule_base(service: Service, open_page: OpenPage) -> None:
    rule_base, _ = loader.examine(content.texts(content.folder("cards")))
    assert rule_base is not None
    page = open_page(service, view_with(service.base, any_card))
    listed = [row.get_attribute("data-rule") for row in page.all("#rules tbody tr")]
    assert set(listed) == set(rule_base.rules)
    lines = page.answer["extension"]["org.heavylegs.evaluation"]
    assert len(listed) >= len(lines)

    offered = [one.get_attribute("data-outcome") for one in page.all("#filters button")]
    assert offered[:4] == ["all", "fires", "unknown", "silent"]
    for outcome in offered[1:]:
        page.press(f'#filters [data-outcome="{outcome}"]')
        rows = page.all("#rules tbody tr[data-rule]")
        assert {row.get_attribute("data-outcome") for row in rows} <= {outcome}
        assert len(rows) == sum(line["outcome"] == outcome for line in lines)
        pressed = [one.get_attribute("data-outcome") for one in page.all('[aria-pressed="true"]')]
        assert pressed == [outcome]


def test_a_rule_that_speaks_leads_to_its_card(service: Service, open_page: OpenPage) -> None:
    page = open_page(service, view_with(service.base, any_card))
    page.press('#rules tr[data-shown="card"] button.link')
    assert page.browser.switch_to.active_element == page.cards[0]


# --- curl ----------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on PATH")
def test_the_curl_commands_give_the_same_answer(service: Service, open_page: OpenPage) -> None:
    page = open_page(service, view_with(service.base, any_card))
    assert _summaries(page.text("#curl")) == [card["summary"] for card in page.answer["cards"]]
    edited = json.loads(page.request)
    edited["prefetch"]["patient"]["name"] = [{"text": "it's EOF $HOME `date`"}]
    page.edit(json.dumps(edited, indent=1))
    command = page.text("#curl")
    assert "$HOME" in command
    assert _summaries(command) == [card["summary"] for card in page.answer["cards"]]


def _summaries(command: str) -> list[str]:
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=20)  # noqa: S607
    return [card["summary"] for card in json.loads(done.stdout)["cards"]]


# --- small screens, other schemes ----------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_at_any_width(
    service: Service, open_page: OpenPage, width: int, scheme: str
) -> None:
    page = open_page(service)
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.open(view_with(service.base, offers))
    for fold in page.all(".wire details"):
        page.browser.execute_script("arguments[0].open = true", fold)
    page.press(".dismiss")
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width
    narrow = width < 900
    assert page.one("#patients-toggle").is_displayed() == narrow
    assert page.one("#patients").is_displayed() != narrow
    if narrow:
        page.one("#patients-toggle").click()
        assert page.one("#patients").is_displayed()
    ground = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", ground)[:3]) / 3
    assert (brightness > 128) == (scheme == "light")
