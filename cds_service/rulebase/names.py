"""Every name in the content leads somewhere, once, and never in a circle."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from cds_service.failures import ContentProblem
from cds_service.rulebase import service_keys
from cds_service.rulebase.check_digits import wrong_code
from cds_service.rulebase.circles import circle_in
from cds_service.rulebase.reading import UNREAD, WORDS, Document, Path, strings
from cds_service.rulebase.threshold_keys import thresholds_in, thresholds_said

Documents = Mapping[str, list[Document]]
_SECTIONS = {
    "facts": ("facts", "scores"),
    "thresholds": ("thresholds", "analytes"),
    "terminology": (
        "systems",
        "code-sets",
        "local-codes",
        "questionnaires",
        *WORDS,
        UNREAD,
        "phrase-words",
    ),
    "orders": ("orders", "panels"),
}


class _Names:
    """Where every name of every section is defined."""

    def __init__(self, documents: Documents) -> None:
        self.places: dict[str, dict[str, tuple[Document, Path]]] = {}
        self.problems: list[ContentProblem] = []
        for kind, sections in _SECTIONS.items():
            for section in sections:
                known = self.places.setdefault(section, {})
                for document in documents[kind]:
                    for name in document.value.get(section, {}):
                        self._define(section, known, name, document, (section, name))
        rules = self.places.setdefault("rules", {})
        for document in documents["rule"]:
            self._define("rules", rules, document.value["id"], document, ("id",))
        regions = self.places.setdefault("regions", {})
        for document in documents["global"]:
            for name in document.value.get("regions", {}):
                self._define("regions", regions, name, document, ("regions", name))
        reasons = self.places.setdefault("override-reasons", {})
        for document in documents["suppression"]:
            for name in document.value["override-reasons"]:
                self._define("override-reasons", reasons, name, document, ("override-reasons", name))

    def _define(
        self,
        section: str,
        known: dict[str, tuple[Document, Path]],
        name: str,
        document: Document,
        path: Path,
    ) -> None:
        if name in known:
            first, where = known[name]
            self.problems.append(
                document.problem(
                    path,
                    f"{name!r} is already in {section}, at {first.file}:{first.line(where)}",
                )
            )
        known[name] = (document, path)

    def want(self, section: str, name: str, document: Document, path: Path) -> None:
        """Note a problem unless `name` is defined in `section`."""
        if name in self.places[section]:
            return
        close = _closest(name, self.places[section])
        hint = f"; did you mean {close!r}?" if close else ""
        noun = section.removesuffix("s").replace("-", " ")
        self.problems.append(document.problem(path, f"no {noun} is called {name!r}{hint}"))

    def want_all(self, section: str, names: Iterable[str], document: Document, path: Path) -> None:
        """Note a problem for each of `names` that is not defined in `section`."""
        for index, name in enumerate(names):
            self.want(section, name, document, (*path, index))


def _closest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

    found = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return found[0] if found else None


def unresolved(documents: Documents) -> list[ContentProblem]:
    """Every name that is defined twice or leads nowhere, and every circle of definitions."""
    known = _Names(documents)
    for document in documents["terminology"]:
        _terminology(document, known)
    for document in documents["thresholds"]:
        _thresholds(document, known)
    for document in documents["facts"]:
        _facts(document, known)
    for document in documents["orders"]:
        _orders(document, known)
    for document in documents["rule"]:
        _rule(document, known)
    for document in documents["global"]:
        for key in ("silent-when", "info-silent-when"):
            for index, name in enumerate(document.value[key]):
                known.want("facts", name, document, (key, index))
        for name in document.value.get("critical-adds", {}):
            known.want("facts", name, document, ("critical-adds", name))
        known.want("facts", document.value["entry"], document, ("entry",))
    for document in documents["suppression"]:
        for name, value in document.value["override-reasons"].items():
            path: Path = ("override-reasons", name, "system")
            known.want("systems", value["system"], document, path)
    known.problems.extend(chain.from_iterable(map(service_keys.unresolved, documents["services"])))
    known.problems.extend(_circles(documents, known))
    return known.problems


def _terminology(document: Document, known: _Names) -> None:
    for name, value in document.value.get("code-sets", {}).items():
        for index, include in enumerate(value["include"]):
            path: Path = ("code-sets", name, "include", index)
            if "set" in include:
                known.want("code-sets", include["set"], document, path)
                continue
            known.want("systems", include["system"], document, path)
            for at, entry in enumerate(include["codes"]):
                _code(include["system"], entry, document, (*path, "codes", at), known)
    for name, value in document.value.get("questionnaires", {}).items():
        for at, item in enumerate(value["items"]):
            known.want("local-codes", item, document, ("questionnaires", name, "items", at))
    _words(document, known)


def _words(document: Document, known: _Names) -> None:
    entries = [(part, *entry) for part in WORDS for entry in document.value.get(part, {}).items()]
    for section, name, value in entries:
        for at, one in enumerate(value["codes"]):
            path: Path = (section, name, "codes", at)
            known.want("systems", one["system"], document, path)
            _code(one["system"], one, document, path, known)
        if "site" in value:
            known.want("code-sets", value["site"], document, (section, name, "site"))
    for side, value in document.value.get("phrase-words", {}).get("sides", {}).items():
        known.want_all("code-sets", value["sites"], document, ("phrase-words", "sides", side, "sites"))


def _code(system: str, entry: Any, document: Document, path: Path, known: _Names) -> None:
    code = entry["code"] if isinstance(entry, dict) else entry[0]
    wrong = wrong_code(system, code)
    if wrong:
        known.problems.append(document.problem(path, wrong))
    if system == "local" and code not in known.places["local-codes"]:
        known.want("local-codes", code, document, path)
    if isinstance(entry, dict) and "needs-site" in entry:
        known.want("code-sets", entry["needs-site"], document, path)


def _thresholds(document: Document, known: _Names) -> None:
    for name, value in document.value.get("analytes", {}).items():
        known.want("code-sets", value["codes"], document, ("analytes", name, "codes"))
        if "not-at" in value:
            known.want("code-sets", value["not-at"], document, ("analytes", name, "not-at"))
        if value["unit"] not in value["units"]:
            known.problems.append(
                document.problem(
                    ("analytes", name, "unit"),
                    f"the canonical unit {value['unit']!r} is not among the declared units",
                )
            )
    for name, value in document.value.get("thresholds", {}).items():
        if "of" in value:
            known.want("analytes", value["of"], document, ("thresholds", name, "of"))
        for region, other in value.get("regions", {}).items():
            path: Path = ("thresholds", name, "regions", region)
            known.want("regions", region, document, path)
            if other["value"].keys() != value["value"].keys():
                units = ", ".join(value["value"])
                known.problems.append(document.problem(path, f"needs a value in each of: {units}"))


def _criterion(value: Any, document: Document, path: Path, known: _Names) -> None:
    if isinstance(value, str):
        known.want("facts", value, document, path)
        return
    for word, parts in value.items():
        for index, part in enumerate(parts):
            _criterion(part, document, (*path, word, index), known)


_CODED = ("condition", "finding", "done", "draft", "medication")


def _facts(document: Document, known: _Names) -> None:
    for name, value in document.value.get("facts", {}).items():
        _fact(name, value, document, known)
    for name, value in document.value.get("scores", {}).items():
        for index, item in enumerate(value["items"]):
            known.want("facts", item["fact"], document, ("scores", name, "items", index))


def _fact(name: str, value: Mapping[str, Any], document: Document, known: _Names) -> None:
    path: Path = ("facts", name)
    kind = value["kind"]
    if kind in _CODED:
        known.want_all("code-sets", value["in"], document, (*path, "in"))
    if kind == "region":
        known.want_all("regions", value["in"], document, (*path, "in"))
    if kind == "measurement":
        known.want("analytes", value["of"], document, (*path, "of"))
    elif kind == "derived":
        _derived(name, value, document, known)
    else:
        known.want_all("facts", value.get("of", ()), document, (*path, "of"))
    if kind == "score":
        known.want("scores", value["table"], document, (*path, "table"))
    for key in ("after-onset-of", "after-latest-onset-of"):
        known.want_all("facts", value.get(key, ()), document, (*path, key))
    for where, one in (*thresholds_in(value), *thresholds_said(value)):
        known.want("thresholds", one, document, (*path, *where))
    if "shorter" in value:
        known.want("facts", value["shorter"]["while"], document, (*path, "shorter", "while"))
    for key in ("when", "unknown-only-if"):
        if key in value:
            _criterion(value[key], document, (*path, key), known)


def _derived(name: str, value: Mapping[str, Any], document: Document, known: _Names) -> None:
    # A derived fact may read facts, analytes or code sets; each name must be one of them.
    for index, one in enumerate(value.get("of", ())):
        if not any(one in known.places[section] for section in ("facts", "analytes", "code-sets")):
            path: Path = ("facts", name, "of", index)
            known.problems.append(
                document.problem(path, f"no fact, analyte or code set is called {one!r}")
            )


def _orders(document: Document, known: _Names) -> None:
    for name, value in document.value.get("orders", {}).items():
        _order(name, value, document, known)
    for name, value in document.value.get("panels", {}).items():
        path: Path = ("panels", name)
        known.want("code-sets", value["codes"], document, (*path, "codes"))
        known.want_all("code-sets", value["covers"], document, (*path, "covers"))


def _order(name: str, value: Mapping[str, Any], document: Document, known: _Names) -> None:
    path: Path = ("orders", name)
    done = value.get("done", {})
    known.want_all("code-sets", done.get("in", ()), document, (*path, "done", "in"))
    for key in ("after-onset-of", "after-latest-onset-of"):
        known.want_all("facts", done.get(key, ()), document, (*path, "done"))
    if "within" in done:
        known.want("thresholds", done["within"], document, (*path, "done", "within"))
    if "open-within" in value:
        known.want("thresholds", value["open-within"], document, (*path, "open-within"))
    for key in ("must-be-clear", "blocked-by"):
        known.want_all("facts", value.get(key, ()), document, (*path, key))
    if "questionnaire" in value:
        known.want("questionnaires", value["questionnaire"], document, (*path, "questionnaire"))
    elif value["kind"] == "questionnaire":
        known.problems.append(document.problem(path, "says no `questionnaire`"))
    for key, coding in _codings(value):
        known.want("systems", coding["system"], document, (*path, key))
        wrong = wrong_code(coding["system"], coding["code"])
        if wrong:
            known.problems.append(document.problem((*path, key), wrong))


def _codings(value: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for coding in value.get("codings", ()):
        yield "codings", coding
    for codings in value.get("sided", {}).values():
        for coding in codings:
            yield "sided", coding
    if "category" in value:
        yield "category", value["category"]


def _rule(document: Document, known: _Names) -> None:
    value = document.value
    for index, level in enumerate(value["levels"]):
        path: Path = ("levels", index)
        _criterion(level["when"], document, (*path, "when"), known)
        for at, order in enumerate(level.get("only-with", ())):
            known.want("orders", order, document, (*path, "only-with", at))
        text = level.get("text", "default")
        if text not in value["card"]["texts"]:
            what = f"the card has no text {text!r}; there are: {', '.join(value['card']['texts'])}"
            known.problems.append(document.problem(path, what))
    for index, one in enumerate(value.get("yields-to", ())):
        known.want("rules", one["rule"], document, ("yields-to", index))
    known.want_all("facts", value.get("withheld-by", ()), document, ("withheld-by",))
    if "merges-into" in value:
        known.want("rules", value["merges-into"], document, ("merges-into",))
    _suggested(value["card"].get("suggest", ()), document, ("card", "suggest"), known)
    for index, one in enumerate(value["card"].get("overrideReasons", ())):
        known.want("override-reasons", one, document, ("card", "overrideReasons", index))
    worth = value["card"].get("worth-knowing", ())
    known.want_all("facts", worth, document, ("card", "worth-knowing"))
    _cited(value, document, known)
    unknown = value["unknown"]
    if isinstance(unknown, dict):
        for index, one in enumerate(unknown["ask"]):
            known.want("facts", one, document, ("unknown", "ask", index))
        if "when" in unknown:
            _criterion(unknown["when"], document, ("unknown", "when"), known)
        _suggested(unknown.get("suggest", ()), document, ("unknown", "suggest"), known)


def _cited(value: Mapping[str, Any], document: Document, known: _Names) -> None:
    sources = {one["id"] for one in value["sources"]}
    cited: list[tuple[Path, str]] = [(("card", "source"), value["card"]["source"])]
    for name, text in value["card"]["texts"].items():
        if "source" in text:
            cited.append((("card", "texts", name, "source"), text["source"]))
    for path, source in cited:
        if source not in sources:
            wrong = f"no source of this rule is called {source!r}"
            known.problems.append(document.problem(path, wrong))


def _suggested(entries: Iterable[Any], document: Document, path: Path, known: _Names) -> None:
    for index, entry in enumerate(entries):
        where = (*path, index)
        if isinstance(entry, str):
            known.want("orders", entry, document, where)
        elif "delete" in entry:
            known.want("facts", entry["delete"], document, where)
            if "when" in entry:
                _criterion(entry["when"], document, (*where, "when"), known)
        else:
            ((name, when),) = entry.items()
            known.want("orders", name, document, where)
            _criterion(when, document, (*where, name), known)


def _circles(documents: Documents, known: _Names) -> Iterator[ContentProblem]:
    facts = {
        name: sorted(set(_leads_to(value, known)))
        for document in documents["facts"]
        for name, value in document.value.get("facts", {}).items()
    }
    sets = {
        name: [one["set"] for one in value["include"] if "set" in one]
        for document in documents["terminology"]
        for name, value in document.value.get("code-sets", {}).items()
    }
    yields = {
        document.value["id"]: [one["rule"] for one in document.value.get("yields-to", ())]
        for document in documents["rule"]
    }
    for section, graph in (("facts", facts), ("code-sets", sets), ("rules", yields)):
        circle = circle_in(graph)
        if circle:
            document, path = known.places[section][circle[0]]
            yield document.problem(path, "defined in a circle: " + " → ".join(circle))


def _leads_to(value: Mapping[str, Any], known: _Names) -> Iterator[str]:
    for key in ("when", "unknown-only-if"):
        if key in value:
            yield from strings(value[key])
    if value["kind"] != "measurement":
        yield from (one for one in value.get("of", ()) if one in known.places["facts"])
    yield from value.get("after-onset-of", ())
    yield from value.get("after-latest-onset-of", ())
    if "shorter" in value:
        yield value["shorter"]["while"]
    if value["kind"] == "score":
        document, path = known.places["scores"].get(value["table"], (None, ()))
        if document is not None:
            table = document.value["scores"][path[-1]]
            yield from (item["fact"] for item in table["items"])
