"""The command line as a person uses it: every command, its help, its exit codes."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service import content
from cds_service.cli.main import cli
from cds_service.failures import Failure

CARDS = content.folder("cards")


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=given)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "serve",
        "evaluate",
        "explain",
        "rules",
        "rules check",
        "rules list",
        "rules show",
        "rules test",
        "rules lock",
        "rules coverage",
        "rules mutate",
        "rules find",
        "rules codes",
        "rules value-sets",
        "audit",
        "audit verify",
        "audit tail",
    ],
)
def test_every_command_explains_itself(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")
    assert len(result.output) > 150


def test_find_names_what_has_all_the_words_with_its_place() -> None:
    result = run("rules", "find", "Potassium", "order")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "  k-03-unsafe-potassium-order: Unsafe order of potassium" in result.output
    [rule] = [line for line in lines if "k-03-unsafe-potassium-order" in line]
    assert "(electrolytes/k-03-unsafe-potassium-order.yaml:" in rule
    assert all("potassium" in line.lower() for line in lines if line.startswith("  "))


def test_find_says_when_there_is_nothing() -> None:
    result = run("rules", "find", "zebra")
    assert result.exit_code == 1
    assert "nothing is called 'zebra'" in result.output


def test_the_exit_codes_are_documented() -> None:
    assert "Exit codes" in run("--help").output


def test_evaluate_a_fixture_shows_its_card() -> None:
    result = run("evaluate", "k-2-4")
    assert result.exit_code == 0
    assert "CRITICAL" in result.output
    assert "Potassium 2.4 mmol/L" in result.output
    assert "[Order magnesium]" in result.output
    assert "**" not in result.output


def test_evaluate_as_json_is_the_response_body() -> None:
    body = json.loads(run("evaluate", "k-2-4", "--json").output)
    assert body["cards"][0]["indicator"] == "critical"
    assert body["extension"]["org.heavylegs.evaluation"]


def test_evaluate_takes_a_bundle_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    bundle = (content.folder("fhir_fixtures") / "patients" / "acute-limb.json").read_text("utf-8")
    file = tmp_path / "patient.json"
    file.write_text(bundle, encoding="utf-8")
    now = "--now=2026-11-22T09:00:00Z"
    assert "acute limb ischaemia" in run("evaluate", str(file), now).output
    assert "acute limb ischaemia" in run("evaluate", "-", now, given=bundle).output


def test_evaluate_takes_a_hook_request_and_its_own_hook(tmp_path: Path) -> None:
    request = {
        "hook": "order-sign",
        "hookInstance": "1",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p",
            "draftOrders": {"resourceType": "Bundle"},
        },
        "prefetch": {"patient": {"resourceType": "Patient", "id": "p"}, "conditions": None},
    }
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    result = run("evaluate", str(file))
    assert result.exit_code == 0
    assert "No card" in result.output


def test_explain_names_every_rule_and_why() -> None:
    result = run("explain", "pad-done")
    assert result.exit_code == 0
    for rule in CARDS.rglob("*.cases.yaml"):
        assert rule.name.removesuffix(".cases.yaml") in result.output
    assert "order-done" in result.output
    assert "not-this-hook" in result.output


def test_a_file_that_is_not_there_is_a_wrong_use() -> None:
    result = run("evaluate", "nowhere.json")
    assert result.exit_code == 2
    assert "there is no file" in result.output


def test_an_unknown_fixture_names_those_there_are() -> None:
    result = run("evaluate", "nobody")
    assert isinstance(result.exception, Failure)
    assert "pad-risk" in str(result.exception)


def test_a_hook_without_a_service_names_the_hooks() -> None:
    result = run("evaluate", "pad-risk", "--hook", "appointment-book")
    assert result.exit_code == 2
    assert "patient-view" in result.output


def test_a_file_that_is_not_json_says_so(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text("{", encoding="utf-8")
    assert "is not JSON" in str(run("evaluate", str(file)).exception)


def test_rules_list_and_show() -> None:
    assert "k-01-low-potassium" in run("rules", "list").output
    listed = {one["id"] for one in json.loads(run("rules", "list", "--json").output)}
    written = {file.name.removesuffix(".cases.yaml") for file in CARDS.glob("*/*.cases.yaml")}
    assert listed == written
    shown = run("rules", "show", "k-01").output
    assert "2026-11-22; status draft: not approved by a clinician" in shown
    assert "potassium-lt-2-5" in shown
    assert run("rules", "show", "x").exit_code == 2


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("NA-01", "na-01-low-sodium"),
        ("n04", "n04-lumbar-imaging-guard"),
        ("K-01-Low", "k-01-low-potassium"),
    ],
)
def test_a_rule_is_found_by_its_number_as_it_is_written_elsewhere(text: str, rule: str) -> None:
    assert f"\nid: {rule}\n" in f"\n{run('rules', 'show', text).output}"


def test_rules_list_names_each_level_once() -> None:
    for line in run("rules", "list").output.splitlines():
        levels = line.split()[3].split("/")
        assert len(levels) == len(set(levels)), line


def test_evaluate_says_where_the_invented_patients_are_listed() -> None:
    assert "evaluate ?" in run("evaluate", "--help").output
    assert "pad-risk" in str(run("evaluate", "?").exception)


def test_rules_check_of_the_shipped_content_finds_nothing() -> None:
    result = run("rules", "check")
    assert result.exit_code == 0
    assert "no problem" in result.output


def test_rules_check_lists_every_problem_of_a_broken_rule_base(tmp_path: Path) -> None:
    for path in CARDS.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(CARDS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    rule = tmp_path / "electrolytes" / "k-01-low-potassium.yaml"
    rule.write_text(rule.read_text("utf-8").replace("potassium-lt-3-3", "potassium-lt-33"), "utf-8")
    facts = tmp_path / "facts" / "who.yaml"
    facts.write_text(facts.read_text("utf-8").replace("kind: age", "kind: aeg", 1), "utf-8")
    result = run("rules", "check", "--cards", str(tmp_path))
    assert result.exit_code == 1
    assert "facts/who.yaml:" in result.output
    facts.write_text(facts.read_text("utf-8").replace("kind: aeg", "kind: age", 1), "utf-8")
    result = run("rules", "check", "--cards", str(tmp_path))
    assert "did you mean 'potassium-lt-3-3'?" in result.output
    assert "electrolytes/k-01-low-potassium.yaml:" in result.output


def test_rules_lock_refuses_a_changed_meaning_under_an_old_version(tmp_path: Path) -> None:
    for path in CARDS.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(CARDS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    assert run("rules", "lock", "--release", "--cards", str(tmp_path)).exit_code == 0
    rule = tmp_path / "electrolytes" / "k-01-low-potassium.yaml"
    text = rule.read_text("utf-8")
    rule.write_text(text.replace("ECG now;", "ECG at once;"), "utf-8")
    refused = run("rules", "lock", "--cards", str(tmp_path))
    assert refused.exit_code == 1
    assert "raise `version`" in refused.output
    rule.write_text(
        text.replace("ECG now;", "ECG at once;").replace("version: 1", "version: 2"), "utf-8"
    )
    assert run("rules", "lock", "--cards", str(tmp_path)).exit_code == 0
    assert run("rules", "check", "--cards", str(tmp_path)).exit_code == 0


def test_rules_lock_takes_a_changed_meaning_of_a_draft_version(tmp_path: Path) -> None:
    shutil.copytree(CARDS, tmp_path, dirs_exist_ok=True)
    rule = tmp_path / "electrolytes" / "k-01-low-potassium.yaml"
    rule.write_text(rule.read_text("utf-8").replace("ECG now;", "ECG at once;"), "utf-8")
    assert run("rules", "check", "--cards", str(tmp_path)).exit_code == 1
    assert run("rules", "lock", "--cards", str(tmp_path)).exit_code == 0
    assert run("rules", "check", "--cards", str(tmp_path)).exit_code == 0


def test_rules_test_runs_the_cases_of_one_rule() -> None:
    result = run("rules", "test", "lab-01")
    assert result.exit_code == 0
    assert "0 differ" in result.output


def test_one_rule_is_tried_though_the_cases_of_another_are_wrong(tmp_path: Path) -> None:
    shutil.copytree(CARDS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "electrolytes" / "k-01-low-potassium.cases.yaml").write_text("cases: 7\n", "utf-8")
    whole = run("rules", "test", "--cards", str(tmp_path))
    assert whole.exit_code == 1
    assert "k-01-low-potassium.cases.yaml:1" in str(whole.exception)
    one = run("rules", "test", "LAB-01", "--cards", str(tmp_path))
    assert one.exit_code == 0
    assert run("rules", "test", "k-01", "--cards", str(tmp_path)).exit_code == 1


def test_rules_show_opens_a_group() -> None:
    lines = run("rules", "show", "tip-hyd").output.splitlines()
    gate = next(at for at, line in enumerate(lines) if line.startswith("  fluid-gate: "))
    caution = next(at for at, line in enumerate(lines) if line.startswith("    fluid-caution: "))
    heart = next(at for at, line in enumerate(lines) if line.startswith("      heart-failure: "))
    assert gate < caution < heart


def test_rules_find_looks_into_displays_phrases_and_brands() -> None:
    assert "heavy-legs" in run("rules", "find", "legs", "like", "lead").output
    assert "furosemide" in run("rules", "find", "lasix").output
    assert "paracetamol" in run("rules", "find", "tylenol").output
    assert "confusion" in run("rules", "find", "Altered", "mental", "status").output
