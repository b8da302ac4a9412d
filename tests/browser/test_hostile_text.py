"""Hostile text, in a record or in a response, is only text on the page."""

import json
import re
from itertools import islice
from typing import Any

import pytest

from tests.browser.page import Page
from tests.browser.serving import Service
from tests.browser.views import OpenPage, any_card, views_with

pytestmark = pytest.mark.server

HOSTILE = (
    '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> '
    "**loud** [click](javascript:window.hacked=1) \u202egnp.exe\u202c \u200bend"
)
EVERY = 9  # one view of so many: the page draws all of them alike, and a browser is slow
LABELS = {"Why", "Consider", "Not known", "Source", "Also", "Also considered", "Withheld"}
HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("poisoned", [("text", "display", "title"), ("text", "display", "unit")])
def test_hostile_text_in_a_record_is_only_text(
    service: Service, open_page: OpenPage, poisoned: tuple[str, ...]
) -> None:
    page = open_page(service)
    shown = 0
    for view in islice(views_with(service.base, any_card), 0, None, EVERY):
        page.choose(view)
        page.edit(json.dumps(_poisoned(json.loads(page.request), poisoned)))
        assert page.data("state") == "answered", view
        assert page.text("#chart-name").startswith("<img src=x onerror"), view
        _is_inert(page)
        labels = {one.text for one in page.all("#cards .detail strong")}
        assert labels <= LABELS, view
        shown += len(page.cards)
    assert shown > 0


def test_hostile_text_in_a_response_is_only_text(service: Service, open_page: OpenPage) -> None:
    """The page does not rely on the service having cleaned what it says."""
    page = open_page(service)
    card = {
        "uuid": "8a4b9a3c-7b7c-4f4c-9d50-1d1a3a6f0f10",
        "summary": HOSTILE,
        "indicator": '"><img src=x onerror=window.hacked=1>',
        "detail": f"**Why** {HOSTILE}\n\n<img src=x onerror=window.hacked=1> \\*\\*not\\*\\* **open",
        "source": {"label": HOSTILE, "url": "javascript:window.hacked=1"},
        "suggestions": [
            {"label": HOSTILE, "actions": [{"type": "create", "resource": {"status": HOSTILE}}]}
        ],
        "links": [{"label": HOSTILE, "type": "absolute", "url": "javascript:window.hacked=1"}],
        "overrideReasons": [{"code": "x", "system": "y", "display": HOSTILE}],
    }
    page.browser.execute_async_script(
        """
        const [card, done] = arguments;
        import(new URL("static/card.js", document.baseURI)).then(({ drawCard }) => {
          document.getElementById("cards").replaceChildren(
            drawCard(card, 1, { service: "x", orders: new Map() }));
          done();
        });
        """,
        card,
    )
    page.press(".suggestion")
    page.until(lambda: page.all(".draft"), "no draft was drawn")
    assert page.browser.execute_script("return window.hacked") is None
    assert page.all("main img, main script, main [onerror]") == []
    assert page.all("#cards .source a, #cards .offers a") == []
    strong = [one.get_property("textContent") for one in page.all("#cards .detail strong")]
    assert strong == ["Why", "loud"]
    assert page.text("#cards .detail p:last-child").endswith("**not** **open")


def _poisoned(value: Any, keys: tuple[str, ...]) -> Any:
    """The same request with hostile text under every key of these."""
    if isinstance(value, dict):
        return {
            key: HOSTILE if key in keys and isinstance(one, str) else _poisoned(one, keys)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_poisoned(one, keys) for one in value]
    return value


def _is_inert(page: Page) -> None:
    assert page.browser.execute_script("return window.hacked") is None
    assert page.all("main img, main script, main iframe, main object, main [onerror]") == []
    assert page.all('main [href^="javascript" i]') == []
    assert page.complaints() == []
    for place in ("#chart-name", "#chart-about", "#cards .detail", "#rules", "#response", "#curl"):
        assert not HIDDEN.search(" ".join(page.texts(place))), place


# --- feedback ------------------------------------------------------------------------------------
