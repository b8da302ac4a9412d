"""The Flask application: wiring, nothing else. Start reading here.

`web.services` takes a call, `invocation` carries it through, `decision` is the door to every card.
"""

from functools import partial

import msgspec
from flask import Flask

from cds_service import content, fitness
from cds_service.audit.log import AuditLog
from cds_service.clients import loading
from cds_service.clients.authentication import Authentication
from cds_service.clients.building import Standing
from cds_service.clients.keys import KeyRing
from cds_service.clients.model import Clients
from cds_service.clients.refusals import Refusals
from cds_service.clients.replay import Replay
from cds_service.ehr.fetching import Fetching
from cds_service.ehr.key_sets import fetcher
from cds_service.failures import Failure, Kind
from cds_service.invocation import Runtime
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.regions import for_region
from cds_service.settings import BODY_LIMIT, Settings
from cds_service.web import addresses, cors, errors, headers, health, pages, services
from cds_service.web.rates import Rates


def create_app(settings: Settings) -> Flask:
    """The application for these settings.

    Raises:
        BrokenRuleBase: with everything that is wrong; a broken rule base does not start.
        BrokenClients: with everything that is wrong with the clients file.
        Failure: unavailable, when content or the audit database cannot be opened; incorrect, when the
            rule base knows no such region, or callers must prove who they are and cannot.
    """
    _refuse_locked_out(settings)
    loaded = fitness.load(content.texts(content.folder("cards", settings.cards), cases=False))
    rule_base = for_region(loaded, settings.region)
    known = clients(settings, loaded)
    _refuse_nobody(settings, known)
    audit = AuditLog(settings.audit_db, key=settings.audit_key)
    trusted = str(settings.ca_file or "")
    runtime = Runtime(
        settings=settings,
        rule_base=rule_base,
        audit=audit,
        ehr=Fetching(settings.fetch_budget / 1000, trusted),
        clients=known,
        authentication=Authentication(
            settings.public_urls, KeyRing(fetcher(trusted)), Replay(settings.audit_db), Refusals()
        ),
        reload=partial(clients, settings, loaded),
    )
    runtime.configured()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.extensions["cds"] = runtime
    addresses.register(app)
    errors.register(app)
    headers.register(app)
    cors.register(app, runtime)
    app.register_blueprint(health.blueprint(runtime))
    app.extensions["rates"] = rates = Rates(runtime)
    app.register_blueprint(services.blueprint(runtime, rates))
    if settings.demo:
        app.register_blueprint(
            pages.blueprint(runtime, content.folder("fhir_fixtures", settings.fixtures))
        )
    return app


def clients(settings: Settings, loaded: RuleBase) -> Clients:
    """The clients as their file has them now; `loaded` is the rule base of no region yet.

    Raises:
        BrokenClients: with everything that is wrong.
        Failure: unavailable, when the file cannot be read.
    """
    standing = Standing.of(settings)
    if settings.clients is None:
        return loading.without(loaded, standing)
    found = loading.load(settings.clients, loaded, standing)
    return msgspec.structs.replace(found, anonymous=None) if settings.auth_required else found


def _refuse_nobody(settings: Settings, found: Clients) -> None:
    """Do not start with a file that names nobody. A reload may: so the last client is shut out."""
    if settings.auth_required and not found.known:
        raise Failure(
            Kind.INCORRECT,
            "names no client: a proof of who calls is required, and nobody could give one",
            where=str(settings.clients),
            todo="add an entry under `clients`, as deploy/clients.example.yaml shows it",
        )


def _refuse_locked_out(settings: Settings) -> None:
    """Do not start where every call would be refused, or where nobody could tell the good ones."""
    if not settings.auth_required:
        return
    why = "is required" if settings.auth else "is required off loopback"
    off = "or, where whoever reaches the service may call it, set CDS_AUTH=off"
    if settings.clients is None:
        todo = f"name the clients file, as deploy/clients.example.yaml shows it; {off}"
        what = f"is not set: a proof of who calls {why}, and nobody could give one"
        raise Failure(Kind.INCORRECT, what, where="CDS_CLIENTS", todo=todo)
    if not settings.public_urls:
        todo = "set the URL that clients call, e.g. https://cds.example.org"
        what = "is not set: the `aud` of clients' tokens is compared with it"
        raise Failure(Kind.INCORRECT, what, where="CDS_PUBLIC_URL", todo=todo)
    if settings.demo:
        # The page has no key to sign with. Giving it a way in past the door would be one for others.
        todo = f"start without it, {off}"
        what = f"the page cannot prove who it is, and a proof {why}"
        raise Failure(Kind.INCORRECT, what, where="--demo", todo=todo)
