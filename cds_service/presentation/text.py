"""Text from a patient's record made safe: no control or hidden characters, nothing that renders.

Summary, label and description are plain text; only `detail` is markdown (requirement 31, 61).
"""

import re
import unicodedata

_BLANKS = re.compile(r"\s+")
# Record text never begins a line of a card, so what only counts there (#, -, +, 1.) is left alone:
# the detail must read well as plain text too.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&])")
_LINKS = re.compile(r"(:(?=//)|(?<=www)\.)", re.IGNORECASE)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
ELLIPSIS = "…"


def plain(text: str, longest: int = 200) -> str:
    """Text without control, bidirectional or zero-width characters, blanks folded, clipped."""
    visible = text[: longest * 4]
    if not visible.isprintable():
        visible = "".join(
            " " if ch in "\t\n\r\v\f\u2028\u2029" else ch
            for ch in visible
            if ch in "\t\n\r\v\f\u2028\u2029" or unicodedata.category(ch) not in _HIDDEN
        )
    folded = _BLANKS.sub(" ", visible).strip()
    return folded if len(folded) <= longest else folded[: longest - 1].rstrip() + ELLIPSIS


def escaped(text: str, longest: int = 200) -> str:
    """Plain text as markdown that renders as itself: no markup, no HTML, no link made of it."""
    marked = _MARKDOWN.sub(r"\\\1", plain(text, longest).replace("@", " at "))
    return _LINKS.sub(r"\\\1", marked)


def sentence(text: str) -> str:
    """Text with a capital first letter and a full stop."""
    stripped = text.strip()
    if not stripped:
        return ""
    return capital(stripped if stripped[-1] in ".?" else stripped + ".")


def capital(text: str) -> str:
    """Text with a capital first letter, unless its first word has capitals of its own (eGFR, pH)."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return text[0].upper() + text[1:] if first.islower() else text
