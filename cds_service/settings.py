"""The environment as one frozen value; every variable is documented in docs/operations.md."""

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cds_service.failures import Failure, Kind

BODY_LIMIT = 16 * 1024 * 1024  # bytes; ARCHITECTURE section 6


class Settings(msgspec.Struct, frozen=True):
    """What the environment says.

    Attributes:
        host: address to listen on; never all interfaces unless said so.
        port: port to listen on.
        cards: another rule base than the shipped one.
        fixtures: another folder of fixtures than the shipped one.
        audit_db: the audit database.
        audit_key: the audit secret in hexadecimal; empty keeps it in a file beside the database.
        zone: for dates without a zone and for calendar days.
        demo: the page to try the service on, and the evaluation on every response.
        allow_now: whether a request may carry its own `now` (demonstration only, marked in the audit).
        validate: whether every emitted resource is validated before it leaves.
        workers, threads: how many processes, and threads in each.
        origins: origins that may call from a browser; `*` for any.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    cards: str = ""
    fixtures: str = ""
    audit_db: Path = Path("var/audit.sqlite3")
    audit_key: str = ""
    zone: str = "UTC"
    demo: bool = False
    allow_now: bool = False
    validate: bool = False
    workers: int = 2
    threads: int = 16
    origins: tuple[str, ...] = ("*",)

    @property
    def timezone(self) -> ZoneInfo:
        """The declared zone."""
        return ZoneInfo(self.zone)


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment.

    Raises:
        Failure: incorrect, naming the variable and what it may be.
    """
    demo = _flag(environment, "CDS_DEMO")
    return Settings(
        host=environment.get("HOST") or "127.0.0.1",
        port=_whole(environment, "PORT", 8080, 65_535),
        cards=environment.get("CDS_CARDS_DIR", ""),
        fixtures=environment.get("CDS_FIXTURES_DIR", ""),
        audit_db=Path(environment.get("CDS_AUDIT_DB") or "var/audit.sqlite3"),
        audit_key=environment.get("CDS_AUDIT_KEY", ""),
        zone=_zone(environment.get("CDS_TIMEZONE") or "UTC"),
        demo=demo,
        allow_now=_flag(environment, "CDS_ALLOW_NOW", default=demo),
        validate=_flag(environment, "CDS_VALIDATE", default=demo),
        workers=_whole(environment, "CDS_WORKERS", 2, 64),
        threads=_whole(environment, "CDS_THREADS", 16, 256),
        origins=tuple(environment.get("CDS_ORIGINS", "*").replace(",", " ").split()),
    )


def _flag(environment: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    text = environment.get(name, "").strip().lower()
    if text in ("", None):
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise Failure(Kind.INCORRECT, "must be 1 or 0", where=name)


def _whole(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise Failure(Kind.INCORRECT, f"must be a whole number from 1 to {most}", where=name)
    return int(text)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Failure(
            Kind.INCORRECT, "is not a time zone", where="CDS_TIMEZONE", todo="e.g. Europe/Berlin"
        ) from error
    return name
