"""What the words of an entry without a code mean: the reviewed phrases of the terminology.

A text is cut into words; phrases are runs of whole words. Every step is one pass over the words, with
look-ups of a few words each, so the work grows with the length of the text and no more.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from cds_service.rulebase.concepts import Sidedness

Words = tuple[str, ...]
_WORD = re.compile(r"[a-z0-9]+|\?|\(-\)")
_YEAR = re.compile(r"(19|20)[0-9]{2}")
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
    """What a text says: phrases, of which side, and whether of the past ("history of")."""

    phrases: tuple[Phrase, ...]
    side: SideWords | None = None
    past: bool = False


_NOTHING = Said(())


class Wording(msgspec.Struct, frozen=True):
    """The phrases, and the words that deny, doubt, date back, name a side or mean nothing here."""

    phrases: Mapping[Words, tuple[Phrase, ...]] = {}
    denials: frozenset[Words] = frozenset()
    past: frozenset[Words] = frozenset()
    sides: Mapping[str, SideWords] = {}
    fillers: frozenset[str] = frozenset()
    longest: int = 0  # words of the longest phrase

    def said(self, text: str) -> Said:
        """What a text says; nothing where anything in it denies or doubts, or cannot be read for sure.

        The list is English: a text with other letters is not read, for its denials are not known.
        """
        if not self.phrases or len(text) > LONGEST_TEXT or not text.isascii():
            return _NOTHING
        words = _WORD.findall(text.lower())
        if _any_of(self.denials, words) or _names_a_year(words):
            return _NOTHING
        sides = {self.sides[word].side: self.sides[word] for word in words if word in self.sides}
        bare = [word for word in words if word not in self.sides and word not in self.fillers]
        found: dict[str, Phrase] = {}
        for run in _runs(bare, self.longest):
            for phrase in self.phrases.get(run, ()):
                if phrase.name not in found and not _any_of(phrase.not_with, words):
                    found[phrase.name] = phrase
        side = sides.get("both") or (next(iter(sides.values())) if len(sides) == 1 else None)
        return Said(tuple(found.values()), side, past=_any_of(self.past, words))


def _runs(words: list[str], longest: int) -> Iterator[Words]:
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
        longest=max(map(len, known), default=0),
    )


def _word_runs(texts: Iterable[str]) -> frozenset[Words]:
    return frozenset(words_of(text) for text in texts)
