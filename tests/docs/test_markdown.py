"""The documentation as GitHub shows it: tables are tables, nothing is HTML, links lead somewhere."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from scripts.docs import __main__ as docs
from scripts.docs import markdown

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
WRITTEN = [
    *(one for one in PAGES if "reference" not in one.parts),
    CHECKOUT / "fhir_fixtures" / "README.md",
]
LONGEST = 120
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def named(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def headings(text: str) -> Iterator[str]:
    """The anchors of a page, numbered where a heading comes again, as GitHub does it."""
    seen: Counter[str] = Counter()
    parsed = READER.parse(text)
    for before, token in pairwise(parsed):
        if before.type == "heading_open":
            shown = "".join(
                child.content for child in token.children or () if child.type in ("text", "code_inline")
            )
            anchor = markdown.anchor(shown)
            yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
            seen[anchor] += 1


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_generated_page_begins_with_its_title_and_for_whom_it_is(name: str) -> None:
    text = (docs.FOLDER / name).read_text("utf-8")
    title, comment, first, *_ = text.split("\n\n")
    assert re.fullmatch(r"# [A-Z][a-z ]+", title)
    assert "`make docs`" in comment
    assert first.startswith("For ")


@pytest.mark.parametrize("name", docs.PAGES)
def test_nothing_in_a_generated_page_is_html_but_the_first_comment(name: str) -> None:
    text = (docs.FOLDER / name).read_text("utf-8")
    found = [token.content for token in tokens(text) if token.type in ("html_block", "html_inline")]
    assert [one.strip() for one in found] == [text.split("\n\n")[1]]


@pytest.mark.parametrize("name", docs.PAGES)
def test_every_line_of_a_table_is_in_it_with_as_many_cells_as_its_head(name: str) -> None:
    text = (docs.FOLDER / name).read_text("utf-8")
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    for lines in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1, lines[0]
    kinds = Counter(token.type for token in tokens(text))
    assert kinds["table_open"] == len(tables)
    assert kinds["tr_open"] == sum(len(lines) - 1 for lines in tables)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_to_a_place_in_the_project_leads_there(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = [str(one.attrs["href"]) for one in tokens(text) if one.type == "link_open"]
    targets += [str(one.attrs["src"]) for one in tokens(text) if one.type == "image"]
    for target in targets:
        address, _, anchor = target.partition("#")
        if "://" in address:
            continue
        file = (page.parent / address).resolve() if address else page
        assert file.exists(), target
        if anchor:
            assert anchor in set(headings(file.read_text("utf-8"))), target


def test_text_of_others_is_never_markdown() -> None:
    text = "a_b *c* [d](e) <f> `g` # h | i ~j~ \\"
    [paragraph] = [token for token in READER.parse(markdown.plain(text)) if token.type == "inline"]
    assert "".join(child.content for child in paragraph.children or ()) == text
    assert {child.type for child in paragraph.children or ()} <= {"text", "text_special"}


def test_prose_keeps_its_code_spans() -> None:
    assert markdown.prose("a_b `c_d` *e*") == r"a\_b `c_d` \*e\*"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under a head of 2"):
        markdown.table(("a", "b"), [("c",)])


def test_a_bar_inside_a_cell_does_not_end_it() -> None:
    made = markdown.table(("a", "b"), [("`x|y`", r"u\|v")])
    cells = [token.content for token in READER.parse(made) if token.type == "inline"]
    assert cells == ["a", "b", "`x|y`", "u|v"]


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_prose_is_wrapped_so_that_a_diff_shows_what_changed(page: Path) -> None:
    text = page.read_text("utf-8")
    lines = text.split("\n")
    paragraphs = (
        range(*token.map)
        for before, token in pairwise(READER.parse(text))
        if before.type == "paragraph_open" and token.map
    )
    # A line of one word, such as an address, cannot be wrapped.
    long = [
        at + 1
        for paragraph in paragraphs
        for at in paragraph
        if len(lines[at]) > LONGEST and len(lines[at].split()) > 1
    ]
    assert long == [], f"lines over {LONGEST} characters"


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_no_table_or_numbered_step_was_run_together_with_the_line_before(page: Path) -> None:
    said = [token.content for token in tokens(page.read_text("utf-8")) if token.type == "inline"]
    assert [one for one in said if "|---" in one or re.search(r"\. 2\. [A-Z]", one)] == []


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs" / "connect").glob("*.md")), ids=named)
def test_a_number_in_brackets_is_a_requirement_of_the_conformance_page(page: Path) -> None:
    listed = (CHECKOUT / "docs" / "reference" / "conformance.md").read_text("utf-8")
    known = set(re.findall(r"^\| (\w+) \|", listed, re.MULTILINE))
    cited = re.findall(r"\(((?:\d+|D)(?:, \d+)*)\)", page.read_text("utf-8"))
    assert [one for group in cited for one in group.split(", ") if one not in known] == []
