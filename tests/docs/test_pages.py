"""The pages that are written from code and content: true, up to date, and called stale when they are."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from cds_service import settings
from cds_service.facts.derived import BY_NAME
from cds_service.failures import MEANINGS, Kind
from cds_service.rulebase.building_facts import criterion
from cds_service.rulebase.criteria import truth
from cds_service.web.errors import TABLE
from scripts.docs import __main__ as docs
from scripts.docs import causes, content, failures, hazards, rule_language, rule_pages, rules
from tests.unit.rulebase.tiny import loaded, rule, texts

CHECKOUT = Path(__file__).resolve().parents[2]
REFERENCE = CHECKOUT / "docs" / "reference"


def read(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the pages are made from, and the pages, in another folder."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("cds_service", "cards", "scripts", "tests", "docs/reference"):
        shutil.copytree(
            CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "var")
        )
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    return folder


def checked(folder: Path) -> tuple[int, str]:
    """Run the check as `make check` does, in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "scripts.docs", "--check"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.requirement(63)
def test_what_the_service_can_do_is_published_for_people_to_read() -> None:
    """From the README one gets to each page that an integrator needs, and there every service is."""
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    for name in ("prefetch", "failures", "conformance", "settings"):
        assert f"(docs/reference/{name}.md)" in readme
    for service in content.rule_base().services.values():
        assert service.id in read("prefetch.md")
        assert re.search(
            rf"^\| {service.hook} \| .+ \| \*\*met\*\* \|", read("conformance.md"), re.MULTILINE
        )
    assert "## Counts" in read("conformance.md")


def test_a_requirement_without_a_test_or_a_reason_fails_the_check(copy: Path) -> None:
    listed = copy / "tests/conformance/requirements.yaml"
    whole = listed.read_text("utf-8")
    added = "    - {id: 999, verb: ours, from: ours, what: Nothing, here: nothing}\n"
    listed.write_text(whole + added, "utf-8")
    code, said = checked(copy)
    listed.write_text(whole, "utf-8")
    assert (code, said) == (
        1,
        "docs: 999 has no test that always runs: mark one, or say why it is not met\n",
    )


def test_every_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "old", "new", "page"),
    [
        ("cds_service/settings.py", "] = 16\n", "] = 17\n", "settings.md"),
        ("cds_service/cli/rules.py", "List the rules:", "Name the rules:", "cli.md"),
        ("cds_service/failures.py", "Send a valid token.", "Send another token.", "failures.md"),
        ("cds_service/web/errors.py", '(429, "throttled")', '(420, "throttled")', "failures.md"),
        ("cards/services.yaml", "category=laboratory&", "category=lab&", "prefetch.md"),
        ("tests/conformance/test_hooks.py", "requirement(70)", "requirement(3, 70)", "conformance.md"),
        (
            "cards/rule.schema.json",
            "Who answers for it.",
            "Who published it.",
            "rule-language.md",
        ),
        (
            "tests/spec/any.txt",
            "| unknown | unknown | unknown |",
            "| unknown | unknown | false   |",
            "rule-language.md",
        ),
        (
            "cards/electrolytes/k-01-low-potassium.yaml",
            "reviewed: 2026-11-22",
            "reviewed: 2027-01-05",
            ("rules/README.md", "rules/k-01-low-potassium.md"),
        ),
    ],
)
def test_a_change_of_what_a_page_is_made_from_is_said_with_the_page_and_the_command(
    copy: Path, file: str, old: str, new: str, page: str | tuple[str, ...]
) -> None:
    text = (copy / file).read_text("utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    try:
        code, said = checked(copy)
    finally:
        (copy / file).write_text(text, encoding="utf-8")
    assert code == 1
    stale = re.findall(r"docs/reference/(\S+) is not up to date: run `make docs`", said)
    assert stale == ([page] if isinstance(page, str) else list(page)), said
    assert re.search(r"^-(?!--)", said, flags=re.MULTILINE), "the line as it is"
    assert re.search(r"^\+(?!\+\+)", said, flags=re.MULTILINE), "the line as it will be"


def test_a_key_that_says_nothing_of_itself_is_an_error_that_names_it(copy: Path) -> None:
    file = copy / "cards" / "facts.schema.json"
    text = file.read_text("utf-8")
    line = re.search(r'\n *"description": "Decimals: [^\n]*', text)
    assert line is not None
    file.write_text(text.replace(line.group(), ""), encoding="utf-8")
    try:
        code, said = checked(copy)
    finally:
        file.write_text(text, encoding="utf-8")
    assert code == 1
    assert said.startswith("docs: cards/facts.schema.json: the key rounded has no `description`")


def test_a_page_that_is_missing_is_written(tmp_path: Path) -> None:
    assert docs.main(["--check", "--folder", str(tmp_path)]) == 1
    assert docs.main(["--folder", str(tmp_path)]) == 0
    assert docs.main(["--check", "--folder", str(tmp_path)]) == 0
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")}
    assert written == set(docs.pages())


def test_the_page_of_a_rule_that_is_no_more_is_said_and_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docs.main(["--folder", str(tmp_path)]) == 0
    left = tmp_path / "rules" / "x-99-gone.md"
    left.write_text("# Gone", encoding="utf-8")
    assert docs.main(["--check", "--folder", str(tmp_path)]) == 1
    assert "rules/x-99-gone.md is of no rule" in capsys.readouterr().out
    assert docs.main(["--folder", str(tmp_path)]) == 0
    assert not left.exists()


def test_a_function_s_line_says_what_its_fact_must_bring() -> None:
    lines = re.findall(
        r"^\| `([\w-]+)` \| [^|]* \| ([^|]*)\| ([^|]*)\| ([^|]*)\| ([^|]*)\|$",
        read("rule-language.md"),
        flags=re.MULTILINE,
    )
    told = {name: [cell.strip() for cell in cells] for name, *cells in lines}

    assert told["began-before"] == ["1 code set, then 1 fact or more", "", "", ""]
    assert told["fall"] == ["1 analyte", "1 limit", "", "`within`"]
    assert told["weight-loss"] == ["1 analyte", "1 or 2 limits", "`from`, `to`", ""]
    assert told["paired-value"] == ["2 analytes", "1 or 2 limits, or none", "", "`paired-within`"]
    assert told.keys() == BY_NAME.keys()


def test_the_settings_are_all_there_with_what_holds_when_they_are_not_set() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", read("settings.md"), flags=re.MULTILINE))
    assert rows.keys() == {variable.name for _, variable, _ in settings.variables()}
    assert rows["PORT"] == "`8080`"
    assert rows["CDS_VALIDATE"] == "as `CDS_DEMO`"
    assert rows["CDS_CARDS_DIR"] == "the rule base that is shipped"


def test_every_kind_of_failure_has_a_meaning_and_a_section() -> None:
    assert MEANINGS.keys() == set(Kind)
    assert set(re.findall(r"^### (.*)$", read("failures.md"), flags=re.MULTILINE)) == set(Kind)


@pytest.mark.parametrize(
    ("table", "file"), [(MEANINGS, "cds_service/failures.py"), (TABLE, "cds_service/web/errors.py")]
)
def test_a_kind_of_failure_that_is_half_entered_says_where_it_lacks(
    monkeypatch: pytest.MonkeyPatch, table: dict[Kind, object], file: str
) -> None:
    monkeypatch.delitem(table, Kind.TOO_MANY)
    with pytest.raises(content.NotSaid, match=f"{file}: .*too-many"):
        failures.page()


def test_the_queries_are_those_of_the_services_to_the_letter() -> None:
    written = yaml.safe_load((CHECKOUT / "cards" / "services.yaml").read_text("utf-8"))
    sections = read("prefetch.md").split("\n### ")[1:]
    of_services = {section.split("\n", 1)[0]: section for section in sections}
    for service in written["services"]:
        rows = re.findall(r"^\| `(.*)` \| `(.*)` \|$", of_services[service["id"]], flags=re.MULTILINE)
        assert rows == [(key, written["prefetch"][key]) for key in service["prefetch"]]
    assert written["prefetch"].keys() <= of_services.keys(), "each key has a section"


def test_the_prefetch_page_says_what_is_lost_without_a_key() -> None:
    sections = dict(
        re.findall(r"\n### (\w+)\n\n(.*?)(?=\n\n###|\Z)", read("prefetch.md"), flags=re.DOTALL)
    )
    assert "refused with [412]" in sections["patient"]
    assert "refused with [412]" in sections["conditions"]
    assert "K-01" in sections["laboratory"]
    assert "K-01" not in sections["devices"]
    assert "emergency lumbar MRI" in sections["devices"], "its gate looks for implants"


@pytest.mark.parametrize("word", rule_language.WORDS)
def test_the_tables_of_the_language_are_what_the_code_does(word: str) -> None:
    values = {"true": True, "false": False, "*unknown*": None}
    section = read("rule-language.md").split(f"\n### {word}\n", 1)[1].split("\n#", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    rows = [row for row in rows if row[0] in values]
    assert len(rows) == 9
    for a, b, result in rows:
        facts = {"a": values[a], "b": values[b]}
        assert truth(criterion({word: ["a", "b"]}), facts.__getitem__) is values[result]


def test_every_rule_is_in_the_index_and_under_a_cause_test_or_tip_and_has_its_page() -> None:
    page = read("rules/README.md")
    for one in content.rule_base().rules.values():
        assert page.count(f"]({one.id}.md)") >= 2, one.id
        own = read(f"rules/{one.id}.md")
        assert f"[`{one.id}`](../../../cards/" in own
        assert all(source.url in own for source in one.sources)
    assert "**None of them is approved by a clinician.**" in page


def test_a_rules_page_has_its_criteria_numbers_gates_and_cases_in_words() -> None:
    page = read("rules/k-01-low-potassium.md")
    assert "  - **any** of:\n    - potassium below 2.5 mmol/L (`potassium-lt-2-5`)" in page
    assert "| `potassium-severe-low` | 2.5 mmol/L | A 2.7, G38 | sourced |" in page
    assert "| magnesium (`magnesium`) | always |  | done within 7 d; open since 7 d |" in page
    assert "potassium, below 2.5 mmol/L, not older than 7 d" in page
    assert "- 2.49 is critical: fires critical" in page
    assert "| resting ankle-brachial index, both legs (`resting-abi`) |" in read(
        "rules/pad-01-resting-abi.md"
    )
    assert "`dvt-not-excluded` is true or not known" in read("rules/pad-01-resting-abi.md")


def test_a_rule_under_no_cause_is_an_error_that_names_it() -> None:
    with pytest.raises(content.NotSaid, match="x-01-new stands under no cause"):
        list(causes.tables(loaded(texts(rules=[rule("x-01-new")]))))


def test_a_number_that_no_rule_has_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written = causes.Causes(causes={"Legs": {"heavy": ("X-01", "X-02")}}, tests={}, tips={})
    monkeypatch.setattr(causes, "causes", lambda: written)
    with pytest.raises(content.NotSaid, match="no rule has the number X-02"):
        list(causes.tables(loaded(texts(rules=[rule("x-01-new")]))))


def test_the_index_tells_apart_what_is_approved_reviewed_and_known() -> None:
    looked_up = {
        "id": "src",
        "title": "A [guideline] | with_signs",
        "publisher": "A society",
        "year": 2024,
        "url": "https://example.org/a(b)",
        "locator": "1.1",
        "grade": "class 1",
        "read": "recalled",
        "reviewed": "2027-02-03",
    }
    made = [
        rule("old", status="active", reviewed="2026-12-01", cause="nerve"),
        rule("new", sources=[looked_up], cause="clot"),
    ]
    found = loaded(texts(rules=made))
    assert "2 rules (1 active, 1 draft). **1 of them is approved by a clinician.**" in rules.summary(
        found
    )
    assert "1 read, 0 second-hand, 1 recalled" in rules.summary(found)
    index = rules.index(found)
    assert index.index("| clot |") < index.index("| nerve |")
    old, new = found.rules["old"], found.rules["new"]
    assert "status: active: approved by a clinician" in rule_pages.about(old, found)
    assert "status: **draft: not approved by a clinician**; each card says so" in rule_pages.about(
        new, found
    )
    assert r"[A \[guideline\] \| with\_signs](<https://example.org/a(b)>)" in rule_pages.sources(new)
    assert "| class 1 | **recalled** | 2027-02-03 |" in rule_pages.sources(new)
    assert "| class 1 | read | 2026-12-01 |" in rule_pages.sources(old), "it was not looked up by itself"


def test_the_hazards_stand_in_one_table_the_most_urgent_rule_first() -> None:
    told = {
        "fires-wrongly": "A needless test.",
        "silent-wrongly": "A missed one.",
        "control": "It asks.",
    }
    made = [rule(name, hazards={**told, "case": "fires"}, cause=name) for name in ("late", "soon")]
    found = loaded(texts(rules=made, rank=["soon", "late"]))
    page = hazards.written(found)
    case = "[fires](soon.md#the-patients-that-prove-it)"
    row = f"| [SOON](soon.md) Title | A needless test. | A missed one. | It asks. | {case} |"
    assert row in page
    assert page.index(row) < page.index("[LATE](late.md)")


def test_every_setting_says_what_it_means() -> None:
    for field, variable, _ in settings.variables():
        assert variable.means[:1].isupper(), field
        assert not variable.means.endswith("."), field
    assert len(list(settings.variables())) == len(msgspec.structs.fields(settings.Settings))
