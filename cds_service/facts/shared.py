"""What was worked out for one patient and holds for others: the facts of an empty record."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock

from cds_service.facts.model import Fact
from cds_service.rulebase.model import RuleBase

MOST = 64  # ways in which lists arrive; there are few, but it is the caller who decides


class SharedFacts:
    """Facts by the way in which lists arrived; of more than `MOST` the one not used longest is let go.

    Safe for use by several threads. Two that come at once with a new way may both work it out; the facts
    are the same.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: OrderedDict[Hashable, Mapping[str, Fact]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, arrived: Hashable, work_out: Callable[[], Mapping[str, Fact]]) -> Mapping[str, Fact]:
        """The facts of this way of arriving; `work_out` makes them where they are not known."""
        with self._lock:
            known = self._known.get(arrived)
            if known is not None:
                self._known.move_to_end(arrived)
                return known
        made = work_out()
        with self._lock:
            known = self._known.setdefault(arrived, made)
            self._known.move_to_end(arrived)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return known


def shared_by(rule_base: RuleBase) -> SharedFacts:
    """The facts that go with a rule base, and with no other."""
    found = rule_base.remembered.setdefault(SharedFacts, SharedFacts())
    assert isinstance(found, SharedFacts)
    return found
