"""What must be true of the names and addresses in a clients file, beyond its shape."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cds_service.environment import ORIGINS, RATE
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.reading import Path

Found = Iterator[tuple[Path, str]]
# Names that stand for callers of another kind in audit and history.
_TAKEN = ("anonymous", "playground", "unknown")
_MANY = 12  # names that a message still lists


def names(value: Mapping[str, Any], rule_base: RuleBase) -> Found:
    """What names nothing, and addresses that cannot be used, in a whole clients file."""
    rules = value.get("off", {})
    yield from _known(rules.get("rules", ()), ("off", "rules"), rule_base.rules, "rule")
    yield from _known(rules.get("silent", ()), ("off", "silent"), rule_base.rules, "rule")
    for at, entry in entries(value):
        yield from _choices(at, entry, rule_base)
    for name, entry in value.get("clients", {}).items():
        at = ("clients", name)
        if any(name == one or name.startswith(f"{one}-") for one in _TAKEN):
            yield at, f"a client cannot be called {name!r}: the audit calls others so"
        for index, one in enumerate(entry["keys"].get("jku", ())):
            told = {"url": one} if isinstance(one, str) else one
            yield from _address((*at, "keys", "jku", index), told["url"], told)
    yield from _ambiguous(value.get("clients", {}))


def entries(value: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The entries that have choices: `anonymous`, and every client."""
    if "anonymous" in value:
        yield ("anonymous",), value["anonymous"]
    for name, entry in value.get("clients", {}).items():
        yield ("clients", name), entry


def _choices(at: Path, entry: Mapping[str, Any], rule_base: RuleBase) -> Found:
    rules = entry.get("rules", {})
    yield from _known(rules.get("off", ()), (*at, "rules", "off"), rule_base.rules, "rule")
    yield from _known(rules.get("silent", ()), (*at, "rules", "silent"), rule_base.rules, "rule")
    yield from _known(entry.get("services", ()), (*at, "services"), rule_base.services, "service")
    for code, told in entry.get("override-reasons", {}).items():
        name = told if isinstance(told, str) else told["reason"]
        where = (*at, "override-reasons", code)
        yield from _known([name], where, rule_base.override_reasons, "override reason", listed=False)
    for index, origin in enumerate(entry.get("origins", ())):
        yield from _read((*at, "origins", index), origin, ORIGINS.read, ORIGINS.todo)
    if "zone" in entry:
        yield from _read((*at, "zone"), entry["zone"], ZoneInfo, "a zone as in Europe/Berlin")
    if "rate" in entry:
        yield from _read((*at, "rate"), entry["rate"], RATE.read, RATE.todo)
    seen: set[str] = set()
    for index, one in enumerate(entry.get("fhir-servers", ())):
        told = {"base": one} if isinstance(one, str) else one
        where = (*at, "fhir-servers", index)
        yield from _address(where, told["base"], told)
        if told["base"].rstrip("/") in seen:
            yield where, "stands twice"
        seen.add(told["base"].rstrip("/"))


def _known(
    said: Iterable[str], at: Path, known: Mapping[str, Any], what: str, *, listed: bool = True
) -> Found:
    for index, name in enumerate(said):
        if name not in known:
            where = (*at, index) if listed else at
            yield where, f"there is no {what} {name!r}{instead(name, known)}"


def instead(name: str, known: Mapping[str, Any]) -> str:
    """What may be meant by a name that there is none of, as the end of a sentence."""
    near = get_close_matches(name, known, n=1) or [one for one in known if one.startswith(name)][:1]
    if near:
        return f"; is {near[0]!r} meant?"
    return f"; there are: {', '.join(known)}" if len(known) <= _MANY else ""


def _read(at: Path, text: str, read: Callable[[str], Any], todo: str) -> Found:
    try:
        read(text)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        yield at, f"{text!r} cannot be used: write {todo.removeprefix('write ')}"


def _address(at: Path, url: str, told: Mapping[str, Any]) -> Found:
    """A URL that we call: `https` to a public host, unless the entry says otherwise."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield at, f"{url!r} is no URL"
        return
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or " " in url:
        yield at, f"{url!r} is no URL: write https://host/path"
        return
    if "@" in parts.netloc or parts.fragment or ("?" in url and "base" in told):
        yield at, "a URL with a user, a query or a fragment is not taken"
    if parts.scheme == "http" and not told.get("plain-http"):
        yield at, "is not https; where that is meant, write {…, plain-http: true}"
    if _private(host) and not told.get("private"):
        yield at, "is an address of a private network; where that is meant, write {…, private: true}"


def _private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:  # a name: looked up, and checked again, when it is called
        return host == "localhost" or host.endswith(".localhost")


def _ambiguous(clients: Mapping[str, Mapping[str, Any]]) -> Found:
    """Two entries that one token could mean."""
    before: list[tuple[str, str, frozenset[str]]] = []
    for name, entry in clients.items():
        issuer, tenants = entry["issuer"], frozenset(entry.get("tenants", ()))
        for other, other_issuer, other_tenants in before:
            if issuer == other_issuer and (not tenants or not other_tenants or tenants & other_tenants):
                what = f"a token of this issuer could be of {other!r} as well"
                at = ("clients", name, "issuer")
                yield at, f"{what}: give both `tenants`, none of them the same"
        before.append((name, issuer, tenants))
