"""Which fixture patient and hook gets a card as wanted."""

from collections.abc import Callable, Iterator
from typing import Any

import requests

from tests.browser.page import Page

OpenPage = Callable[..., Page]


def views_with(
    base: str, wanted: Callable[[dict[str, Any]], bool], *, alone: bool = False
) -> Iterator[str]:
    """The views of which the first card is as wanted; with `alone`, and the only one."""
    services = requests.get(f"{base}cds-services", timeout=10).json()["services"]
    for patient in requests.get(f"{base}demo/patients", timeout=10).json():
        for one in services:
            view = f"{patient['name']}/{one['hook']}"
            body = requests.get(f"{base}demo/requests/{view}", timeout=10).content
            answer = requests.post(f"{base}cds-services/{one['id']}", data=body, timeout=10).json()
            if alone and len(answer["cards"]) != 1:
                continue
            if any(wanted(card) for card in answer["cards"][:1]):
                yield view


def view_with(base: str, wanted: Callable[[dict[str, Any]], bool], *, alone: bool = False) -> str:
    """The first such view."""
    found = next(views_with(base, wanted, alone=alone), "")
    assert found, "no fixture patient gets such a card"
    return found


def any_card(card: dict[str, Any]) -> bool:
    return bool(card)


def offers(card: dict[str, Any]) -> bool:
    return bool(card.get("suggestions"))
