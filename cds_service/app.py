"""The Flask application: wiring, nothing else. Start reading here.

`web.services` takes a call, `invocation` carries it through, `decision` is the door to every card.
"""

from flask import Flask

from cds_service import content, fitness
from cds_service.audit.log import AuditLog
from cds_service.clients.model import ANONYMOUS, Client, Clients
from cds_service.ehr.fetching import Fetching
from cds_service.invocation import Runtime
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.regions import for_region
from cds_service.rules.model import Policy
from cds_service.settings import BODY_LIMIT, Settings
from cds_service.web import addresses, cors, errors, pages, services


def create_app(settings: Settings) -> Flask:
    """The application for these settings.

    Raises:
        BrokenRuleBase: with everything that is wrong; a broken rule base does not start.
        Failure: unavailable, when content or the audit database cannot be opened; incorrect, when the
            rule base knows no such region.
    """
    loaded = fitness.load(content.texts(content.folder("cards", settings.cards), cases=False))
    rule_base = for_region(loaded, settings.region)
    runtime = Runtime(
        settings=settings,
        rule_base=rule_base,
        audit=AuditLog(settings.audit_db, key=settings.audit_key),
        ehr=Fetching(settings.fetch_budget / 1000, str(settings.ca_file or "")),
        clients=Clients({}, _anonymous(rule_base, settings)),
    )
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.extensions["cds"] = runtime
    addresses.register(app)
    errors.register(app)
    cors.register(app, settings.origins)
    app.register_blueprint(services.blueprint(runtime))
    if settings.demo:
        app.register_blueprint(
            pages.blueprint(runtime, content.folder("fhir_fixtures", settings.fixtures))
        )
    return app


def _anonymous(rule_base: RuleBase, settings: Settings) -> Client:
    return Client(ANONYMOUS, rule_base, Policy(evaluation=settings.demo))
