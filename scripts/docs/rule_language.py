"""docs/reference/rule-language.md: truth tables from `tests/spec/`, keys and kinds from the schemas."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cds_service.facts.derived import BY_NAME, Formula
from scripts.docs import markdown
from scripts.docs.content import NotSaid

CHECKOUT = Path(__file__).resolve().parents[2]
TABLES = CHECKOUT / "tests" / "spec"
WORDS = ("all", "any", "none", "unless")
INTRODUCTION = """\
For those who write or review a rule, to look a word up: what it means, what it may hold, whether it
must be there. How one writes a rule, with examples, is in [writing a rule](../rule-authoring.md).
Thresholds, analytes, orders and code sets are explained there too."""
THREE = """\
A fact is **true**, **false** or **unknown**. A criterion is the name of a fact, or one of four
words with a list of criteria. Each table below is also a test: the service does what it says, in
every line. The order of the parts does not matter, and there may be one part or many: `all` and
`any` go on in the same way; `none` and `unless` first take all their parts as `any` would."""
LIMITS = """\
*Limits* are one or two of {words}, each with the name of a threshold: `{{below: potassium-mild-low}}`.
A *name* is in lower case with hyphens, and is that of something defined elsewhere; the last column
says of what sort."""
FACTS = """\
Defined in `cards/facts/`, each under its own name. Every kind has these keys:"""
KINDS = """\
When each kind is true, false and unknown. For all of them absence counts only in a complete list,
and the status of an entry counts: [facts](../rule-authoring.md#facts)."""
Node = Mapping[str, Any]


def page() -> str:
    """Return the page."""
    rule, facts = schema("rule"), schema("facts")
    kinds = list(of_kinds(facts))
    return markdown.page(
        "Rule language",
        "`tests/spec/`, `cards/rule.schema.json` and `cards/facts.schema.json`",
        INTRODUCTION,
        "## The four words",
        THREE,
        *(word(name) for name in WORDS),
        "## Keys of a rule",
        "One file, one rule. A key that is not here is an error.",
        *keys_of_rule(rule),
        "## Facts",
        FACTS,
        keys(common(facts), "cards/facts.schema.json"),
        LIMITS.format(words=markdown.codes(facts["$defs"]["limits"]["properties"])),
        KINDS,
        markdown.table(
            ("kind", "true when", "false when", "unknown when"),
            [(markdown.link(name, f"#{name}"), *truths(name, node)) for name, node in kinds],
        ),
        "## Each kind, and its own keys",
        *(kind(name, node, facts) for name, node in kinds),
        "## Derived facts",
        "What no kind can say is computed by a function, which a `derived` fact names in `by`:",
        markdown.table(
            ("by", "computes", "`of`", "`is`", "`with`", "windows that must be there"), derived()
        ),
    )


def schema(name: str) -> Node:
    """Return a schema of the content."""
    read: Node = json.loads((CHECKOUT / "cards" / f"{name}.schema.json").read_text("utf-8"))
    return read


def word(name: str) -> str:
    """Return the section of one word: its sentence and its table, as they stand in `tests/spec/`."""
    sentence, _, table = (TABLES / f"{name}.txt").read_text("utf-8").partition("\n\n")
    form, _, rest = sentence.strip().partition(" holds ")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    head, _, *rows = lines
    shown = [[cell.replace("unknown", "*unknown*") for cell in row] for row in rows]
    return "\n\n".join([f"### {name}", f"`{form}` holds {rest}", markdown.table(head, shown)])


def keys_of_rule(rule: Node) -> Iterator[str]:
    """Return a table for the rule, and one for each mapping inside it."""
    yield keys(rule, "cards/rule.schema.json")
    inside = rule["properties"]
    card = inside["card"]
    for title, node in (
        ("Each of `sources`", inside["sources"]["items"]),
        ("Each of `levels`", inside["levels"]["items"]),
        ("Each of `yields-to`", inside["yields-to"]["items"]),
        ("`unknown`, where it asks", inside["unknown"]["oneOf"][1]),
        ("`card`", card),
        ("Each of `card.texts`", card["properties"]["texts"]["additionalProperties"]),
    ):
        yield f"### {title}"
        if "description" in node and node is not card:
            yield markdown.prose(node["description"])
        yield keys(node, "cards/rule.schema.json")


def common(facts: Node) -> Node:
    """Return what all kinds of facts have in common; what a key may hold is said by each kind."""
    one = facts["properties"]["facts"]["additionalProperties"]
    [(_, first), *_] = of_kinds(facts)
    inside = {
        name: {**first["properties"][name], **node} if name != "kind" else node
        for name, node in one["properties"].items()
    }
    return {"properties": inside, "required": one["required"]}


def of_kinds(facts: Node) -> Iterator[tuple[str, Node]]:
    """Return each kind of fact, and the schema of it."""
    for branch in facts["properties"]["facts"]["additionalProperties"]["allOf"]:
        yield branch["if"]["properties"]["kind"]["const"], branch["then"]


def truths(name: str, node: Node) -> list[str]:
    """Return when a kind of fact is true, false and unknown, from its three lines."""
    lines = described(node, f"the kind {name}", "cards/facts.schema.json").split("\n")
    told = dict(line.split(": ", 1) for line in lines)
    return [markdown.prose(told[value].rstrip(".")) for value in ("True", "False", "Unknown")]


def kind(name: str, node: Node, facts: Node) -> str:
    """Return the section of a kind: the keys that it has beside those of all kinds."""
    shared = common(facts)["properties"]
    own = {key: value for key, value in node["properties"].items() if key not in shared}
    return "\n\n".join(
        [
            f"### {name}",
            keys({"properties": own, "required": node["required"]}, "cards/facts.schema.json"),
        ]
    )


def keys(node: Node, file: str) -> str:
    """Return the table of the keys of a mapping."""
    required = node.get("required", ())
    rows = [
        (
            markdown.code(name),
            "yes" if name in required else "",
            may_be(inner),
            markdown.prose(described(inner, f"the key {name}", file)),
        )
        for name, inner in node["properties"].items()
    ]
    return markdown.table(("key", "must be there", "may be", "means"), rows)


def described(node: Node, what: str, file: str) -> str:
    """Return what a schema says of a key.

    Raises:
        NotSaid: when it says nothing: then nobody would know from this page.
    """
    if "description" not in node:
        raise NotSaid(f"{file}: {what} has no `description`: say there what it means")
    said: str = node["description"]
    return said


def may_be(node: Node) -> str:
    """Say in a few words what a schema lets a key hold."""
    if "$ref" in node:
        return {"criterion": "a criterion", "limits": "limits"}[node["$ref"].rsplit("/", 1)[-1]]
    if "enum" in node:
        return markdown.codes(node["enum"])
    if "oneOf" in node:
        return "`silent`, or a mapping" if "const" in node["oneOf"][0] else "a name or a mapping"
    match node.get("type"):
        case "array":
            inner = may_be(node["items"])
            return f"list: {inner.removeprefix('a ')}"
        case "object":
            return "a mapping"
        case "boolean":
            return "`true` or `false`"
        case "integer":
            return f"a whole number from {node['minimum']}" if "minimum" in node else "a whole number"
        case "string" if node.get("format") == "date":
            return "a day"
        case "string":
            return "a name" if "a-z0-9" in node.get("pattern", "") else "a text"
        case _:
            raise NotSaid(f"scripts/docs/rule_language.py: no words for a key of this form: {node}")


def derived() -> Iterator[tuple[str, ...]]:
    """Return each function for derived facts: the first sentence it says of itself, what it needs."""
    for name, formula in BY_NAME.items():
        told = inspect.getdoc(formula.compute) or ""
        windows = (("within", formula.windowed), ("paired-within", formula.paired))
        yield (
            markdown.code(name),
            markdown.prose(told.split("\n\n", maxsplit=1)[0]),
            inputs(formula),
            how_many(formula.limits),
            markdown.codes(sorted(formula.parameters)),
            markdown.codes([key for key, needed in windows if needed]),
        )


def inputs(formula: Formula) -> str:
    """Say what stands in `of`: analytes, then code sets, then facts."""
    kinds = (
        (formula.analytes, "analyte"),
        (formula.sets, "code set"),
        (formula.facts, "fact"),
    )
    said = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in kinds if count]
    return ", then ".join(said) + (" or more" if formula.more_facts else "")


def how_many(limits: Sequence[int]) -> str:
    """Say how many limits stand in `is`; nothing where there may be none."""
    if tuple(limits) == (0,):
        return ""
    counts = " or ".join(str(one) for one in limits if one)
    said = f"{counts} limit{'s' if limits[-1] > 1 else ''}"
    return f"{said}, or none" if 0 in limits else said
