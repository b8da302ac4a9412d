"""The clients file: what it may say, and all that may be wrong with it, each with its line."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.clients import loading
from cds_service.clients.building import Standing
from cds_service.clients.model import ALGORITHMS, Clients, FhirServer, KeyAddress
from cds_service.failures import BrokenClients, Failure, Kind
from cds_service.rulebase.model import RuleBase
from tests.conftest import CHECKOUT
from tests.unit.clients.signing import ISSUER, JKU, clients_file, jwk_set, signer, written

pytestmark = pytest.mark.requirement(109)
EXAMPLE = CHECKOUT / "deploy" / "clients.example.yaml"


def loaded(path: Path, rule_base: RuleBase, **standing: Any) -> Clients:
    return loading.load(path, rule_base, Standing(**standing))


def problems(path: Path, rule_base: RuleBase) -> list[str]:
    clients, found = loading.examine(path, rule_base, Standing())
    assert clients is None
    return [str(one).removeprefix(f"{path}:") for one in found]


def test_the_example_is_right_and_has_every_key(shipped: RuleBase) -> None:
    clients = loaded(EXAMPLE, shipped)
    assert list(clients.known) == ["st-elsewhere", "shared-vendor"]
    text = EXAMPLE.read_text("utf-8")
    schema = json.loads(
        (CHECKOUT / "cds_service" / "clients" / "clients.schema.json").read_text("utf-8")
    )
    entry = schema["properties"]["clients"]["additionalProperties"]["properties"]
    for key in (*schema["properties"], *entry, *entry["keys"]["properties"]):
        assert f"{key}:" in text or f"`{key}`" in text, f"the example does not show {key}"


def test_the_two_kinds_of_entry_have_the_same_choices() -> None:
    schema = json.loads(
        (CHECKOUT / "cds_service" / "clients" / "clients.schema.json").read_text("utf-8")
    )
    client = schema["properties"]["clients"]["additionalProperties"]["properties"]
    anonymous = schema["properties"]["anonymous"]["properties"]
    proving = {"issuer", "keys", "algorithms", "audience", "subject", "tenants"}
    assert {name: one for name, one in client.items() if name not in proving} == anonymous


@pytest.mark.requirement(109)
def test_an_entry_becomes_a_client(shipped: RuleBase) -> None:
    client = loaded(EXAMPLE, shipped).known["st-elsewhere"]
    trust = client.trust
    assert trust is not None
    assert trust.issuer == ISSUER
    assert trust.algorithms == ("RS384",)
    assert trust.keys.addresses == (KeyAddress(JKU),)
    assert trust.audiences == ("https://cds.example.org/heavy-legs",)
    assert client.fhir_servers == (FhirServer("https://fhir.example.org/api/FHIR/R4"),)
    assert client.policy.card_cap == 3
    assert client.policy.disabled == {"m10-vitamin-d-guard"}
    assert client.policy.silent == {"tip-ex-exercise"}
    assert not client.policy.silent_mode
    assert client.override_reasons == {"17": "patient-refuses", "18": "action-completed"}
    assert client.zone == "America/Chicago"
    codings = [one.system for one in client.rule_base.orders["exercise-abi"].codings]
    assert "urn:com.epic.cdshooks.action.code.system.preference-list-item" in codings
    assert client.rule_base.digest != shipped.digest


def test_what_an_entry_does_not_say_is_the_default(tmp_path: Path, shipped: RuleBase) -> None:
    clients = loaded(written(tmp_path), shipped)
    client = clients.known["st-elsewhere"]
    assert client.trust is not None
    assert client.trust.algorithms == ALGORITHMS
    assert [key.kid for key in client.trust.keys.known] == ["key-1"]
    assert client.fhir_servers == ()
    assert client.services == frozenset()
    assert client.rule_base is shipped, "one rule base in memory for all who change nothing"
    assert not client.policy.evaluation
    assert clients.anonymous is not None
    assert clients.anonymous.fhir_servers == ()
    assert clients.anonymous.trust is None


def test_settings_stand_where_an_entry_says_nothing(tmp_path: Path, shipped: RuleBase) -> None:
    path = written(tmp_path, evaluation=False, region="us")
    clients = loaded(path, shipped, region="uk", evaluation=True, relative_dates=True)
    client, anonymous = clients.known["st-elsewhere"], clients.anonymous
    assert anonymous is not None
    assert anonymous.policy.evaluation
    assert anonymous.relative_dates
    assert not client.policy.evaluation
    assert len({shipped.digest, client.rule_base.digest, anonymous.rule_base.digest}) == 3


def test_the_kill_switch_counts_for_everybody(tmp_path: Path, shipped: RuleBase) -> None:
    path = written(tmp_path, rules={"off": ["m10-vitamin-d-guard"]})
    whole = {**json.loads(path.read_text("utf-8")), "off": {"rules": ["k-01-low-potassium"]}}
    path.write_text(yaml.safe_dump(whole), "utf-8")
    clients = loaded(path, shipped)
    assert clients.anonymous is not None
    assert clients.anonymous.policy.disabled == {"k-01-low-potassium"}
    assert clients.known["st-elsewhere"].policy.disabled == {
        "k-01-low-potassium",
        "m10-vitamin-d-guard",
    }
    assert clients.off == {"k-01-low-potassium"}


def test_the_digest_follows_the_file_and_its_keys(tmp_path: Path, shipped: RuleBase) -> None:
    path = written(tmp_path)
    before = loaded(path, shipped).digest
    assert loaded(path, shipped).digest == before
    (tmp_path / "keys.json").write_bytes(jwk_set(signer(), signer("ES384", "key-2")))
    rotated = loaded(path, shipped).digest
    path.write_text(path.read_text("utf-8") + "\n# a remark\n", "utf-8")
    assert len({before, rotated, loaded(path, shipped).digest}) == 3


WRONG = """\
off: {rules: [k-01-low-potasium]}
clients:
  one:
    issuer: https://a.example
    keys: {file: missing.json}
    rules: {off: [k-99], silent: [k-98]}
    services: [heavy-legs-patientview]
    override-reasons: {"17": patient-refused}
    origins: ["https://a.example/"]
    zone: Mars/Base
    region: mars
    rate: 20/fortnight
    thresholds: {nope: {mmol/L: "3.0"}}
    order-codes: {nope: [{system: "urn:x", code: "1", display: x}]}
    fhir-servers:
      - http://fhir.example.org/r4
      - https://10.0.0.1/r4
      - https://me@fhir.example.org/r4
      - https://fhir.example.org/r4?x=1
      - ftp://fhir.example.org
      - https://fhir.example.org
      - https://fhir.example.org/
  two:
    issuer: https://a.example
    keys:
      jku:
        - http://a.example/jwks.json
        - {url: "https://[::1]/jwks.json"}
  anonymous-2:
    issuer: https://b.example
    keys: {jku: [https://b.example/jwks.json]}
"""


def test_all_that_is_wrong_is_told_with_its_line(tmp_path: Path, shipped: RuleBase) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(WRONG, "utf-8")
    found = problems(path, shipped)
    expected = [
        ("1:", "k-01-low-potasium", "is 'k-01-low-potassium' meant?"),
        ("5:", "missing.json cannot be read"),
        ("6:", "no rule 'k-99'"),
        ("6:", "no rule 'k-98'"),
        ("7:", "heavy-legs-patientview", "is 'heavy-legs-patient-view' meant?"),
        ("8:", "no override reason 'patient-refused'"),
        ("9:", "origins", "no slash at the end"),
        ("10:", "'Mars/Base'"),
        ("11:", "'mars'"),
        ("12:", "20/fortnight"),
        ("13:", "no such threshold"),
        ("14:", "order-codes/nope"),
        ("16:", "is not https"),
        ("17:", "private network"),
        ("18:", "with a user"),
        ("19:", "a query"),
        ("20:", "is no URL"),
        ("22:", "stands twice"),
        ("24:", "could be of 'one' as well"),
        ("27:", "is not https"),
        ("28:", "private network"),
        ("29:", "cannot be called"),
    ]
    assert len(found) == len(expected), found
    for said, (line, *words) in zip(found, expected, strict=True):
        assert said.startswith(line), said
        for word in words:
            assert word in said


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"isuer": "x"}, "isuer"),
        ({"issuer": 7}, "issuer"),
        ({"issuer": "a b"}, "issuer"),
        ({"keys": {}}, "keys"),
        ({"keys": {"secret": "x"}}, "secret"),
        ({"algorithms": ["none"]}, "none"),
        ({"algorithms": ["HS256"]}, "HS256"),
        ({"algorithms": []}, "algorithms"),
        ({"cards": 0}, "cards"),
        ({"cards": True}, "cards"),
        ({"silent-mode": "yes"}, "silent-mode"),
        ({"services": []}, "services"),
        ({"intent": "directive"}, "intent"),
        ({"fhir-servers": [{"base": "https://x.example", "token": "x"}]}, "fhir-servers"),
        ({"thresholds": {"x": {"mmol/L": "three"}}}, "thresholds"),
        ({"order-codes": {"x": [{"code": "1", "display": "x"}]}}, "order-codes"),
    ],
)
def test_an_entry_of_the_wrong_shape_is_told(
    tmp_path: Path, shipped: RuleBase, entry: dict[str, Any], word: str
) -> None:
    [said] = problems(written(tmp_path, **entry), shipped)
    assert word in said


@pytest.mark.parametrize(
    "name", ["St-Elsewhere", "a b", "x" * 41, "-x", "a/b", "playground", "unknown", "a\n"]
)
def test_a_name_that_the_audit_could_not_keep_is_refused(
    tmp_path: Path, shipped: RuleBase, name: str
) -> None:
    (tmp_path / "keys.json").write_bytes(jwk_set(signer()))
    path = clients_file(tmp_path, {name: {"issuer": ISSUER, "keys": {"file": "keys.json"}}})
    assert problems(path, shipped)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("a: [", "not valid YAML"),
        ("a:\n\tb: 1", "a tab; indent with blanks"),
        ("- x", "object"),
        ("clients: {a: }", "clients/a"),
    ],
)
def test_what_is_no_clients_file_is_told(
    tmp_path: Path, shipped: RuleBase, text: str, word: str
) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(text, "utf-8")
    assert any(word in said for said in problems(path, shipped))


def test_a_key_that_stands_twice_is_told(tmp_path: Path, shipped: RuleBase) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text("clients: {}\noff: {}\nclients: {}\n", "utf-8")
    assert problems(path, shipped) == ["3: the key 'clients' stands twice"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (json.dumps({"keys": [signer().private_jwk]}).encode(), "PRIVATE"),
        (b"not json", "not JSON"),
        (b'{"keys": []}', "no JWK set"),
        (jwk_set(signer("ES256")), "fits none of the algorithms"),
        (b" " * (1024 * 1024 + 1), "larger"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_told(
    tmp_path: Path, shipped: RuleBase, body: bytes, word: str
) -> None:
    path = written(tmp_path)
    (tmp_path / "keys.json").write_bytes(body)
    [said] = problems(path, shipped)
    assert word in said
    assert "keys.json" in said
    assert signer().private_jwk["d"] not in said


def test_tenants_that_overlap_are_ambiguous_and_others_are_not(
    tmp_path: Path, shipped: RuleBase
) -> None:
    (tmp_path / "keys.json").write_bytes(jwk_set(signer()))

    def entry(*tenants: str) -> dict[str, Any]:
        told = {"tenants": list(tenants)} if tenants else {}
        return {"issuer": ISSUER, "keys": {"file": "keys.json"}, **told}

    fine = clients_file(tmp_path, {"a": entry("1", "2"), "b": entry("3")})
    assert len(loaded(fine, shipped).by_issuer[ISSUER]) == 2
    for other in (entry("2"), entry()):
        path = clients_file(tmp_path, {"a": entry("1", "2"), "b": other})
        assert "as well" in problems(path, shipped)[0]


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path, shipped: RuleBase) -> None:
    with pytest.raises(Failure) as caught:
        loaded(tmp_path / "none.yaml", shipped)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "none.yaml" in str(caught.value)


def test_the_failure_lists_every_problem(tmp_path: Path, shipped: RuleBase) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(WRONG, "utf-8")
    with pytest.raises(BrokenClients) as caught:
        loaded(path, shipped)
    assert str(caught.value).startswith("the clients file has 22 problems:\n")
    assert str(caught.value).count(f"{path}:") == 22


@pytest.mark.parametrize(
    "text",
    [
        "anonymous: &a [*a]\n",
        "clients: " + "[" * 100_000 + "\n",
        "a: &a [1, 1]\n"
        + "".join(
            f"{one}: &{one} [*{last}, *{last}]\n" for last, one in pairwise("abcdefghijklmnopqrstuvwxyz")
        ),
    ],
    ids=["itself", "deep", "doubled again and again"],
)
def test_a_few_lines_that_mean_very_much_are_refused_at_once(
    tmp_path: Path, shipped: RuleBase, text: str
) -> None:
    (tmp_path / "clients.yaml").write_text(text, encoding="utf-8")
    [problem] = problems(tmp_path / "clients.yaml", shipped)
    assert "not valid YAML" in problem


def test_a_pipe_into_which_nobody_writes_holds_up_nobody(tmp_path: Path, shipped: RuleBase) -> None:
    os.mkfifo(tmp_path / "clients.yaml")
    with pytest.raises(Failure, match="no regular file"):
        loaded(tmp_path / "clients.yaml", shipped)
