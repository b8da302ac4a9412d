"""The environment as one frozen value; `make docs` writes docs/reference/settings.md from it."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
import msgspec

from cds_service.failures import Failure, Kind

BODY_LIMIT = 16 * 1024 * 1024  # bytes; ARCHITECTURE section 6


class Form(msgspec.Struct, frozen=True):
    """What a variable may hold: in words, read from text (or ValueError), and when it cannot be read."""

    takes: str
    read: Callable[[str], Any]
    wrong: str = ""
    todo: str = ""
    empty_is_said: bool = False


class Variable(msgspec.Struct, frozen=True):
    """How the environment says a setting.

    Attributes:
        name: the environment variable.
        form: what it may hold.
        means: what it decides, for those who run the service.
        unset: what an unset or empty variable means, where the default's value does not say it.
        follows: the field whose value is the default.
    """

    name: str
    form: Form
    means: str
    unset: str = ""
    follows: str = ""


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError
    return words[text.lower()]


def _whole(most: int) -> Form:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
            raise ValueError
        return int(text)

    return Form(f"1 to {most}", read, f"must be a whole number from 1 to {most}")


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError from error
    return text


# As browsers send it in `Origin` (RFC 6454 6.2): small letters, no path, not even a slash at the end.
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    if not all(_ORIGIN.fullmatch(one) for one in found):
        raise ValueError
    return found


def loopback(host: str) -> bool:
    """Whether a host, as an address or a name, is this machine alone."""
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _rate(text: str) -> str:
    if text and not all(one.amount for one in limits.parse_many(text)):
        raise ValueError  # none at all is no rate
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    strange = parts.query or parts.fragment or "@" in parts.netloc or parts.port == 0
    if parts.scheme not in ("http", "https") or not parts.hostname or strange:
        raise ValueError
    return text.rstrip("/")


def _authentication(text: str) -> str:
    if text.lower() not in ("required", "off"):
        raise ValueError
    return text.lower()


SWITCH = Form("`1`, `true`, `yes`, `on`, or `0`, `false`, `no`, `off`", _flag, "must be 1 or 0")
ADDRESS = Form("an address", str)
FOLDER = Form("a folder", str)
FILE = Form("a file", Path)
SECRET = Form("at least 32 hexadecimal digits", str)
PUBLIC_URL = Form(
    "an `http` or `https` URL without a query",
    _public_url,
    "is not the URL of a service",
    "write https://host, with the port and the path if there are any: e.g. https://cds.example.org",
)
AUTHENTICATION = Form("`required` or `off`", _authentication, "must be required or off")
ZONE = Form("a zone of the IANA database", _zone, "is not a time zone", "e.g. Europe/Berlin")
REGION = Form("the name of a region of the rule base", str)
ORIGINS = Form(
    "`*`, or origins (`scheme://host[:port]`) with blanks or commas between",
    _origins,
    "holds something that is no origin",
    "write * or scheme://host[:port] in small letters: no path, no slash at the end, not null",
    empty_is_said=True,
)
RATE = Form(
    "calls in a time, as `20/second`, `1000/minute`; several with `;` between",
    _rate,
    "is no rate",
    "write e.g. 20/second or 1000/minute",
    empty_is_said=True,
)


class Settings(msgspec.Struct, frozen=True):
    """What the environment says. Each field says of itself what it decides."""

    host: Annotated[
        str,
        Variable(
            "HOST",
            ADDRESS,
            "The address to listen on. `0.0.0.0` or `::` is every address of the machine. Off loopback, "
            "callers must prove who they are (`CDS_AUTH`)",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Variable("PORT", _whole(65_535), "The port to listen on")] = 8080
    cards: Annotated[
        str,
        Variable(
            "CDS_CARDS_DIR",
            FOLDER,
            "Another rule base: a folder of the shape of `cards/`, with its own `cards.lock`",
            unset="the rule base that is shipped",
        ),
    ] = ""
    fixtures: Annotated[
        str,
        Variable(
            "CDS_FIXTURES_DIR",
            FOLDER,
            "Another folder of invented patients, for the page and for `cds-service evaluate`",
            unset="the patients that are shipped",
        ),
    ] = ""
    audit_db: Annotated[
        Path,
        Variable(
            "CDS_AUDIT_DB",
            FILE,
            "The audit database, on a local disk; its folder is made if it is not there. Without it no "
            "call is answered",
        ),
    ] = Path("var/audit.sqlite3")
    audit_key: Annotated[
        str,
        Variable(
            "CDS_AUDIT_KEY",
            SECRET,
            "The audit secret, which hashes patients and users and signs checkpoints. Make one with "
            "`openssl rand -hex 32`",
            unset="kept in a file beside the database, made on first use",
        ),
    ] = ""
    zone: Annotated[
        str,
        Variable(
            "CDS_TIMEZONE",
            ZONE,
            "The zone of the hospital: of dates that name none, and of calendar days. Wrong, and a "
            "result of last night may be a day off",
        ),
    ] = "UTC"
    region: Annotated[
        str,
        Variable(
            "CDS_REGION",
            REGION,
            "Whose practice counts where regions differ: `us` or `uk`, as "
            "`docs/reference/rules/regions.md` lists. Another name is refused at the start",
            unset="the numbers that a threshold has without a region",
        ),
    ] = ""
    demo: Annotated[
        bool,
        Variable(
            "CDS_DEMO",
            SWITCH,
            "The page at `/` and the invented patients at `/demo/…`; on each response "
            '`extension["org.heavylegs.evaluation"]` (every rule, why and why not) and '
            '`extension["org.heavylegs.not-read"]` (what did not arrive or could not be read). Never '
            "where real patients are",
        ),
    ] = False
    allow_now: Annotated[
        bool,
        Variable(
            "CDS_ALLOW_NOW",
            SWITCH,
            'A request may carry its own time in `extension["org.heavylegs.now"]`. For demonstration '
            "only; marked in the audit",
            follows="demo",
        ),
    ] = False
    validate: Annotated[
        bool,
        Variable(
            "CDS_VALIDATE",
            SWITCH,
            "Every suggested resource is validated as FHIR R4 before it leaves. Costs time",
            follows="demo",
        ),
    ] = False
    workers: Annotated[
        int,
        Variable("CDS_WORKERS", _whole(64), "Processes: as many as there are cores to compute with"),
    ] = 2
    threads: Annotated[
        int,
        Variable(
            "CDS_THREADS",
            _whole(256),
            "Threads in each process: how many calls it has at work at once. Clients that are slow to "
            "send need none",
        ),
    ] = 16
    origins: Annotated[
        tuple[str, ...] | None,
        Variable(
            "CDS_ORIGINS",
            ORIGINS,
            "Origins that may call from a browser, beside those that a client's entry names; `*` is "
            "any, and an empty value is none. No limit on callers that are no browser",
            unset="`*` on a loopback address, none elsewhere",
        ),
    ] = None
    deadline: Annotated[
        float,
        Variable(
            "CDS_DEADLINE",
            _whole(120),
            "Seconds from the first byte of a call to its answer. A call that has not arrived by then "
            "is dropped (408), one that has is answered with 503",
        ),
    ] = 10
    rate: Annotated[
        str,
        Variable(
            "CDS_RATE",
            RATE,
            "How often one client may call, in each process; more is answered with 429. An empty value "
            "is no limit. Callers without authentication are one client",
        ),
    ] = "100/second"

    clients: Annotated[
        Path | None,
        Variable(
            "CDS_CLIENTS",
            FILE,
            "The clients file: who may call, and what each of them has chosen. Read at the start and "
            "again on SIGHUP; `cds-service clients check` says what is wrong with it",
            unset="none: nobody can prove who they are",
        ),
    ] = None
    auth: Annotated[
        str,
        Variable(
            "CDS_AUTH",
            AUTHENTICATION,
            "Whether every call must carry a signed token of a client. `off`: whoever reaches the "
            "service may call, as `anonymous`. Without a clients file, `required` does not start",
            unset="`off` where HOST is a loopback address and `CDS_PUBLIC_URL` names no other, "
            "`required` everywhere else",
        ),
    ] = ""
    auth_discovery: Annotated[
        bool,
        Variable(
            "CDS_AUTH_DISCOVERY",
            SWITCH,
            "Discovery needs a token too, where the services do. Else it is open, and a token that is "
            "sent must be good",
        ),
    ] = False
    public_url: Annotated[
        str,
        Variable(
            "CDS_PUBLIC_URL",
            PUBLIC_URL,
            "The URL that clients know the service by, without `/cds-services`: what the `aud` of their "
            "tokens is compared with. Behind a proxy, the proxy's",
            unset="`http://127.0.0.1:PORT` and `http://localhost:PORT`, where HOST is a loopback "
            "address; else it must be set where tokens are required",
        ),
    ] = ""
    fetch_budget: Annotated[
        int,
        Variable(
            "CDS_FETCH_BUDGET",
            _whole(20_000),
            "Milliseconds for everything that one hook call fetches from the EHR's FHIR server. What is "
            "not there by then is unknown, and the card says so",
        ),
    ] = 1500
    ca_file: Annotated[
        Path | None,
        Variable(
            "CDS_CA_FILE",
            FILE,
            "Certificate authorities, in PEM, to check the certificates of FHIR servers and key sets "
            "with. For a hospital whose servers have certificates of its own; it stands in "
            "the place of the public ones",
            unset="the public ones that come with requests (certifi)",
        ),
    ] = None

    @property
    def auth_required(self) -> bool:
        """Whether callers must prove who they are."""
        if self.auth:
            return self.auth == "required"
        public = urlsplit(self.public_url).hostname
        return not loopback(self.host) or (public is not None and not loopback(public))

    @property
    def public_urls(self) -> tuple[str, ...]:
        """The URLs that the service is known by; none where it must be told and was not."""
        if self.public_url:
            return (self.public_url,)
        if not loopback(self.host):
            return ()
        return tuple(f"http://{host}:{self.port}" for host in ("127.0.0.1", "localhost", "[::1]"))

    @property
    def timezone(self) -> ZoneInfo:
        """The declared zone."""
        return ZoneInfo(self.zone)

    @property
    def open_to(self) -> tuple[str, ...]:
        """The origins that may call from a browser, whoever the client is.

        None by themselves, but where only this machine can call: a page from the internet could use a
        browser inside the hospital to reach what it cannot reach itself.
        """
        if self.origins is not None:
            return self.origins
        return ("*",) if loopback(self.host) else ()


def variables() -> Iterator[tuple[str, Variable, Any]]:
    """Every setting: its field, its variable, its default."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        [variable] = hints[field.name].__metadata__
        yield field.name, variable, field.default


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment.

    Raises:
        Failure: incorrect, naming the variable and what it may be.
    """
    found: dict[str, Any] = {}
    for field, variable, default in variables():
        unset = found[variable.follows] if variable.follows else default
        found[field] = _value(environment, variable, unset)
    return Settings(**found)


def _value(environment: Mapping[str, str], variable: Variable, unset: Any) -> Any:
    form = variable.form
    text = environment.get(variable.name)
    if text is None or not (text.strip() or form.empty_is_said):
        return unset
    try:
        return form.read(text.strip())
    except ValueError as error:
        raise Failure(Kind.INCORRECT, form.wrong, where=variable.name, todo=form.todo) from error
