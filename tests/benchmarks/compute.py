"""From the body's bytes to the response's, by stage, as a multiple of merely parsing the same body.

Absolute times depend on the machine and on who else is using it. So each round takes every contender
once, one after the other, `orjson.loads` among them; a ratio is taken within a round, and the median
over the rounds is what counts.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import UTC

import msgspec
import orjson

from cds_service.decision import Decision, History, Policy, answer, assess
from cds_service.fhir.evidence import Evidence
from cds_service.hooks import encoding, necessary, prefetch
from cds_service.hooks import request as requests
from cds_service.hooks.request import Question
from cds_service.hooks.service import Service
from cds_service.presentation import arbitration, cards
from cds_service.rulebase.model import RuleBase
from cds_service.rules.evaluation import evaluate_all
from cds_service.rules.settling import ranking
from tests.benchmarks.bodies import NOW, Body

FLOOR, WHOLE = "orjson.loads", "whole"
STAGES = ("decode", "facts and rules", "cards", "encode")
ROUNDS = 9
_SLICE = 0.12  # seconds that one contender has in one round


class Compute(msgspec.Struct, frozen=True):
    """What one body cost: stage → multiple of the floor; the floor in milliseconds."""

    body: str
    kilobytes: float
    cards: int
    floor_ms: float
    ratios: dict[str, float]


def measure(body: Body, rule_base: RuleBase, service: Service, rounds: int = ROUNDS) -> Compute:
    """Time every stage of one body."""
    line = _Line(rule_base, service)
    contenders = {FLOOR: lambda: orjson.loads(body.raw), **line.stages(body.raw)}
    once = {name: _fastest(run) for name, run in contenders.items()}  # warm, and how long each takes
    times: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    gc.freeze()  # as `serve` does
    for _ in range(rounds):
        for name, run in contenders.items():
            times[name].append(_mean(run, max(1, int(_SLICE / once[name]))))
    gc.unfreeze()
    ratios = {
        name: statistics.median(
            one / floor for one, floor in zip(times[name], times[FLOOR], strict=True)
        )
        for name in contenders
        if name != FLOOR
    }
    shown = len(line.whole(body.raw)[0].cards)
    floor = statistics.median(times[FLOOR]) * 1000
    return Compute(body.name, len(body.raw) / 1000, shown, floor, ratios)


class _Line:
    """The stages of `invocation` between reading and auditing, one by one and together."""

    def __init__(self, rule_base: RuleBase, service: Service) -> None:
        self._rule_base = rule_base
        self._service = service

    def stages(self, raw: bytes) -> dict[str, Callable[[], object]]:
        question, evidence = self._read(raw)
        hook, rule_base, history, policy = question.hook, self._rule_base, History(), Policy()
        facts = assess(evidence, rule_base, NOW, UTC, hook)
        findings = evaluate_all(rule_base, facts, hook)
        decision, _ = self.whole(raw)

        def present() -> object:
            settled = arbitration.settle(findings, facts, rule_base, question, history, policy)
            made = cards.build(settled, facts, rule_base, question, policy)
            return made, ranking(made[1], rule_base.rules)

        return {
            "decode": lambda: self._read(raw),
            # One stage: a fact is read when a rule first asks for it.
            "facts and rules": lambda: evaluate_all(
                rule_base, assess(evidence, rule_base, NOW, UTC, hook), hook
            ),
            "cards": present,
            "encode": lambda: encoding.response(decision.cards),
            WHOLE: lambda: self.whole(raw),
        }

    def _read(self, raw: bytes) -> tuple[Question, Evidence]:
        service = self._service
        request = requests.parse(raw, service=service.id, hook=service.hook, client="benchmark")
        question = request.question
        evidence = prefetch.read(
            request.prefetch,
            service.prefetch,
            question.patient,
            request.draft_orders,
            question.encounter,
        )
        necessary.demand_necessary(evidence)
        return question, evidence

    def whole(self, raw: bytes) -> tuple[Decision, bytes]:
        question, evidence = self._read(raw)
        decision = answer(question, evidence, self._rule_base, NOW, UTC, History(), Policy())
        return decision, encoding.response(decision.cards)


def _fastest(run: Callable[[], object]) -> float:
    return min(_timed(run, 1) for _ in range(5))


def _mean(run: Callable[[], object], times: int) -> float:
    return _timed(run, times) / times


def _timed(run: Callable[[], object], times: int) -> float:
    turns: Iterable[int] = range(times)
    begun = time.process_time()  # not the clock on the wall: others may be using the machine
    for _ in turns:
        run()
    return time.process_time() - begun
