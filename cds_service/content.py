"""Where the content folders are. Only this module knows.

An explicit setting wins, then the copy inside an installed package, then the checkout's own folders.
"""

from pathlib import Path

from cds_service.failures import Failure, Kind

_PACKAGE = Path(__file__).resolve().parent
_READ = (".yaml", ".schema.json", ".lock")
_CASES = ".cases.yaml"


def folder(name: str, explicit: str = "") -> Path:
    """The folder `cards` or `fhir_fixtures`.

    Args:
        name: the folder's name.
        explicit: what a setting or an option says; empty when it says nothing.

    Raises:
        Failure: unavailable, naming every place that was tried.
    """
    places = [Path(explicit)] if explicit else [_PACKAGE / "_content" / name, _PACKAGE.parent / name]
    for place in places:
        if place.is_dir():
            return place
    if explicit:
        raise Failure(Kind.INCORRECT, f"is no folder (wanted for {name})", where=explicit)
    raise Failure(
        Kind.UNAVAILABLE,
        f"the folder {name} was not found; tried " + ", ".join(str(place) for place in places),
        todo="set CDS_CARDS_DIR (or CDS_FIXTURES_DIR), or reinstall the package",
    )


def texts(cards: Path, *, cases: bool = True) -> dict[str, str]:
    """Every content file below `cards`: path relative to it, with `/` → text.

    Args:
        cards: the folder.
        cases: whether with the cases beside the rules; a service needs none.

    Raises:
        Failure: unavailable, when a file is not UTF-8 or cannot be read.
    """
    found = {}
    for path in sorted(cards.rglob("*")):
        wanted = path.name.endswith(_READ) and (cases or not path.name.endswith(_CASES))
        if wanted and path.is_file():
            try:
                found[path.relative_to(cards).as_posix()] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise Failure(
                    Kind.UNAVAILABLE, f"{path} cannot be read: {type(error).__name__}"
                ) from error
    return found
