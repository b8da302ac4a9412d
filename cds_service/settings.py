"""The environment as one frozen value; `make docs` writes docs/reference/settings.md from it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from cds_service.environment import (
    ADDRESS,
    AUTHENTICATION,
    FILE,
    FOLDER,
    ORIGINS,
    PUBLIC_URL,
    RATE,
    REGION,
    SECRET,
    SWITCH,
    ZONE,
    Variable,
    loopback,
    whole,
)
from cds_service.failures import Failure, Kind

BODY_LIMIT = 16 * 1024 * 1024  # bytes; ARCHITECTURE section 6


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
    port: Annotated[int, Variable("PORT", whole(65_535), "The port to listen on")] = 8080
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
        Variable("CDS_WORKERS", whole(64), "Processes: as many as there are cores to compute with"),
    ] = 2
    threads: Annotated[
        int,
        Variable(
            "CDS_THREADS",
            whole(256),
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
            unset="`*` where HOST is a loopback address, `CDS_PUBLIC_URL` names no other and "
            "`anonymous` has no `fhir-servers` in the clients file; none everywhere else",
        ),
    ] = None
    deadline: Annotated[
        float,
        Variable(
            "CDS_DEADLINE",
            whole(120),
            "Seconds from the first byte of a call to its answer. A call that has not arrived by then "
            "is dropped (408), one that has is answered with 503",
        ),
    ] = 10
    relative_dates: Annotated[
        bool,
        Variable(
            "CDS_RELATIVE_DATES",
            SWITCH,
            "For clients that resolve `today()` in prefetch templates, as CDS Hooks 3.0 and the public "
            "sandbox have it: laboratory and vital signs are asked for only as far back as facts look "
            "(docs/reference/prefetch.md has the days). What was only ever before is then unknown. What "
            "a client's entry says holds for that client",
        ),
    ] = False
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
            unset="`off` where HOST is a loopback address and `CDS_PUBLIC_URL` names no other, but for "
            "calls that a proxy has forwarded; `required` everywhere else",
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
            whole(20_000),
            "Milliseconds for everything that one hook call fetches from the EHR's FHIR server. What is "
            "not there by then is unknown, and the card says so",
        ),
    ] = 1500
    ca_file: Annotated[
        Path | None,
        Variable(
            "CDS_CA_FILE",
            FILE,
            "Certificate authorities, in PEM, that certificates of FHIR servers and of clients' key "
            "sets are checked with. For a hospital whose servers have certificates of its own; it "
            "stands in the place of the public ones",
            unset="the public ones that come with requests (certifi)",
        ),
    ] = None

    @property
    def auth_required(self) -> bool:
        """Whether callers must prove who they are."""
        return self.auth == "required" if self.auth else self.reached

    @property
    def reached(self) -> bool:
        """Whether others than this machine are meant to call: at this address or at a proxy's."""
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
        return () if self.reached else ("*",)


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
