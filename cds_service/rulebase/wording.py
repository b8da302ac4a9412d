"""What the words of an entry without a code mean: the reviewed phrases of the terminology.

A text is cut into words; phrases are runs of whole words. Every step is one pass over the words, with
look-ups of a few words each, so the work grows with the length of the text and no more.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from cds_service.rulebase.concepts import Sidedness

_Item = TypeVar("_Item")
Words = tuple[str, ...]
_WORD = re.compile(r"[a-z0-9]+|\?|\(-\)")
_TOKEN = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")  # as `_WORD`, and every mark by itself
_YEAR = re.compile(r"(19|20)[0-9]{2}")
_BETWEEN = 3  # words between a side and the leg
_ENDS, _JOINS = frozenset(").,;"), frozenset("(,-:")
LONGEST_TEXT = 200  # characters; a denial beyond a cut would be lost, so a longer text is not read


class Phrase(msgspec.Struct, frozen=True):
    """What some runs of words mean: codings (system URI, code), the body site that they name.

    `not_with`: runs of words beside which the phrase means something else ("diabetes insipidus").
    """

    name: str
    codings: tuple[tuple[str, str], ...]
    site: str = ""
    not_with: frozenset[Words] = frozenset()


class SideWords(msgspec.Struct, frozen=True):
    """What names a side: its words, and the body sites that a leg of that side is."""

    side: Sidedness
    sites: tuple[str, ...]


class Said(msgspec.Struct, frozen=True):
    """What a text says: phrases, of which side, and whether of the past ("history of").

    `quotes`: of each phrase the words of the text that say it, with a side that stands beside them.
    """

    phrases: tuple[Phrase, ...]
    side: SideWords | None = None
    past: bool = False
    quotes: tuple[str, ...] = ()


_NOTHING = Said(())


class Wording(msgspec.Struct, frozen=True):
    """The phrases, and the words that deny, doubt, date back, name a side or mean nothing here.

    `legs`: what a leg and its parts are called; `between`: what may stand between a side and them.
    """

    phrases: Mapping[Words, tuple[Phrase, ...]] = {}
    denials: frozenset[Words] = frozenset()
    past: frozenset[Words] = frozenset()
    sides: Mapping[str, SideWords] = {}
    fillers: frozenset[str] = frozenset()
    legs: frozenset[Words] = frozenset()
    between: frozenset[str] = frozenset()
    longest: int = 0  # words of the longest phrase

    def said(self, text: str) -> Said:
        """What a text says; nothing where anything in it denies or doubts, or cannot be read for sure.

        The list is English: a text with other letters is not read, for its denials are not known.
        """
        if not self.phrases or len(text) > LONGEST_TEXT or not text.isascii():
            return _NOTHING
        spans = [(one.group(), one.span()) for one in _WORD.finditer(text.lower())]
        words = [word for word, _ in spans]
        if _any_of(self.denials, words) or _names_a_year(words):
            return _NOTHING
        sides = {self.sides[word].side: self.sides[word] for word in words if word in self.sides}
        bare = [
            at for at, word in enumerate(words) if word not in self.sides and word not in self.fillers
        ]
        found: dict[str, tuple[Phrase, str]] = {}
        for run in _runs(bare, self.longest):
            for phrase in self.phrases.get(tuple(words[at] for at in run), ()):
                if phrase.name not in found and not _any_of(phrase.not_with, words):
                    first, last = self._with_side(words, run[0], run[-1])
                    found[phrase.name] = phrase, text[spans[first][1][0] : spans[last][1][1]]
        side = sides.get("both") or (next(iter(sides.values())) if len(sides) == 1 else None)
        return Said(
            tuple(phrase for phrase, _ in found.values()),
            side,
            past=_any_of(self.past, words),
            quotes=tuple(quote for _, quote in found.values()),
        )

    def _with_side(self, words: Sequence[str], first: int, last: int) -> tuple[int, int]:
        """From where to where a phrase goes with the word of a side that stands right beside it."""
        before = first > 0 and words[first - 1] in self.sides
        after = last + 1 < len(words) and words[last + 1] in self.sides
        return first - before, last + after

    def legs_named(self, text: str) -> frozenset[Sidedness] | None:
        """The sides that a text names of a leg; more than one where it names several.

        A side counts where its word stands beside a leg or a part of one ("left calf", "swelling of the
        leg (left)"); any other word of a side in the text then counts too, so that "left arm, right leg"
        names no one side.

        Returns:
            Nothing where no leg is named with a side; None where something denies, doubts or is past,
            and where the text is not read (`said`).
        """
        if len(text) > LONGEST_TEXT or not text.isascii():
            return None
        words = _WORD.findall(text.lower())
        if _any_of(self.denials, words) or _any_of(self.past, words) or _names_a_year(words):
            return None
        tokens = [one for one in _TOKEN.findall(text.lower()) if one not in self.fillers]
        if not any(self._of_a_leg(tokens, at) for at in range(len(tokens))):
            return frozenset()
        return frozenset(self.sides[one].side for one in tokens if one in self.sides)

    def sites_of(self, side: Sidedness) -> frozenset[str]:
        """The body sites that a leg of this side is, of both legs those of either."""
        asked = ("left", "right") if side == "both" else (side,)
        return frozenset(site for one in self.sides.values() if one.side in asked for site in one.sites)

    def _of_a_leg(self, tokens: Sequence[str], at: int) -> bool:
        """Whether the word at `at` is that of a side, and a leg stands beside it."""
        if tokens[at] not in self.sides:
            return False
        after = at + 1
        while after < len(tokens) and after - at <= _BETWEEN and self._between(tokens[after]):
            after += 1
        if any(tuple(tokens[after:end]) in self.legs for end in (after + 1, after + 2)):
            return True
        # Behind the leg a side ends what is said: in "swollen leg, left arm" it is another's.
        if tokens[at + 1 : at + 2] and tokens[at + 1] not in _ENDS:
            return False
        before = at
        while before and at - before <= _BETWEEN and self._between(tokens[before - 1]):
            before -= 1
        return any(
            tuple(tokens[max(start, 0) : before]) in self.legs for start in (before - 1, before - 2)
        )

    def _between(self, token: str) -> bool:
        return token in self.between or token in _JOINS


def _runs(words: Sequence[_Item], longest: int) -> Iterator[tuple[_Item, ...]]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield tuple(words[start:end])


def _any_of(known: frozenset[Words], words: list[str]) -> bool:
    longest = max((len(one) for one in known), default=0)
    return any(run in known for run in _runs(words, longest))


def _names_a_year(words: list[str]) -> bool:
    """A year ("DVT 2012") tells when it was, not that it is; after "since" it goes on."""
    return any(
        _YEAR.fullmatch(word) and (not at or words[at - 1] != "since") for at, word in enumerate(words)
    )


def words_of(text: str) -> Words:
    """The words that a phrase of the content is made of."""
    return tuple(_WORD.findall(text.lower()))


def wording(
    phrases: Mapping[str, Any], words: Mapping[str, Any], systems: Mapping[str, tuple[str, ...]]
) -> Wording:
    """Build it from the sections `phrases` and `phrase-words` of the terminology."""
    sides = {
        word: SideWords(side, tuple(value["sites"]))
        for side, value in words.get("sides", {}).items()
        for word in value["words"]
    }
    fillers = frozenset(words.get("fillers", ()))
    known: dict[Words, tuple[Phrase, ...]] = {}
    for name, value in phrases.items():
        codings = tuple((systems[one["system"]][0], one["code"]) for one in value["codes"])
        phrase = Phrase(name, codings, value.get("site", ""), _word_runs(value.get("not-with", ())))
        for text in value["says"]:
            # As the text is read: without sides, and without what means nothing here.
            run = tuple(w for w in words_of(text) if w not in sides and w not in fillers)
            known[run] = (*known.get(run, ()), phrase)
    return Wording(
        phrases=known,
        denials=_word_runs(words.get("denials", ())),
        past=_word_runs(words.get("past", ())),
        sides=sides,
        fillers=fillers,
        legs=_word_runs(words.get("legs", ())),
        between=frozenset(words.get("between", ())),
        longest=max(map(len, known), default=0),
    )


def _word_runs(texts: Iterable[str]) -> frozenset[Words]:
    return frozenset(words_of(text) for text in texts)
