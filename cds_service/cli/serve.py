"""`cds-service serve`: the service under gunicorn, a production WSGI server."""

import gc
import logging
import os
import socket
import sys
from typing import Any

import click
import msgspec
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from cds_service import settings
from cds_service.app import create_app
from cds_service.clients.exposure import exposures
from cds_service.clients.model import Clients
from cds_service.failures import Failure, Kind
from cds_service.server.worker import BufferingWorker, Limits

_logger = logging.getLogger(__name__)


@click.command()
@click.option("--host", default="", help="Address to listen on (HOST; default 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="Port (PORT; default 8080).")
@click.option(
    "--demo",
    is_flag=True,
    help="The page to try the service on, and the evaluation of every rule on each response.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Processes (CDS_WORKERS; 2).")
def serve(host: str, port: int | None, demo: bool, workers: int | None) -> None:
    """Run the service.

    Listens on 127.0.0.1:8080 unless told otherwise. In production a buffering proxy with TLS stands in
    front of it: see docs/operations.md. All settings are environment variables.
    """
    environment = dict(os.environ)
    if demo:
        environment["CDS_DEMO"] = "1"
    config = settings.read(environment)
    config = msgspec.structs.replace(
        config,
        host=host or config.host,
        port=port or config.port,
        workers=workers or config.workers,
    )
    _refuse_taken_port(config)
    app = create_app(config)
    _say(config, app)
    _log(config)
    gc.freeze()  # what is loaded now never needs collecting: less work per request, shared pages
    Server(app, config).run()


def _log(config: settings.Settings) -> None:
    """What goes wrong, to stderr; in production the audit's signed checkpoints too."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("cds_service").setLevel(logging.WARNING if config.demo else logging.INFO)


def _refuse_taken_port(config: settings.Settings) -> None:
    # With SO_REUSEPORT a second service would share the port silently, half the calls each.
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise Failure(
                Kind.UNAVAILABLE,
                f"cannot listen on {config.host}:{config.port}: {error.strerror}",
                todo="choose another with PORT=… (make run PORT=8081)",
            ) from error


def _say(config: settings.Settings, app: Flask) -> None:
    host = f"[{config.host}]" if ":" in config.host else config.host
    base = f"http://{host}:{config.port}"
    rule_base = app.extensions["cds"].rule_base
    click.echo(f"heavy-legs CDS service, rule base {rule_base.version} ({len(rule_base.rules)} rules)")
    if config.demo:
        click.echo(f"  try it      {base}/")
    click.echo(f"  discovery   {base}/cds-services")
    if config.demo:
        service = next(iter(rule_base.services.values()))
        click.echo(
            f"  a call      curl -s {base}/demo/requests/k-2-4/{service.hook} "
            f"| curl -s {base}/cds-services/{service.id} -H 'Content-Type: application/json' -d @-"
        )
        click.echo("  Not for patients. Stop with Ctrl-C.")
    _say_who_may_call(config, app)
    sys.stdout.flush()


def _say_who_may_call(config: settings.Settings, app: Flask) -> None:
    clients = app.extensions["cds"].clients
    if config.auth_required:
        click.echo(f"  callers     need a token of one of {_counted(clients)}; {config.clients}")
        click.echo(f"              addressed to {config.public_urls[0]}/cds-services…")
    else:
        why = "CDS_AUTH=off" if config.auth else f"only this machine reaches {config.host}"
        warning = "AUTHENTICATION IS OFF: whoever reaches this address may call, as anybody"
        click.secho(f"  {warning} ({why}).", fg="red", bold=True, err=True)
    for one in exposures(clients, config):
        click.secho(f"  {one}", fg="red", err=True)


class _Arbiter(Arbiter):
    """gunicorn's master process."""

    def handle_hup(self) -> None:
        """On SIGHUP: new processes with the clients file as it is now, if nothing is wrong with it."""
        assert isinstance(self.app, Server)
        if self.app.reread():
            super().handle_hup()


class Server(BaseApplication):
    """gunicorn, configured in code (docs/decisions/server.md)."""

    def __init__(self, app: Flask, config: settings.Settings) -> None:
        """An application, and the address, processes and threads to serve it with."""
        self._app = app
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks for its settings."""
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        limits = Limits(body=settings.BODY_LIMIT, arrival=self._config.deadline)
        chosen: dict[str, Any] = {
            "bind": f"{host}:{self._config.port}",
            "workers": self._config.workers,
            # A thread gets a request when all of it has come; SO_REUSEPORT, because keep-alive otherwise
            # piles all connections on one worker (docs/decisions/server.md).
            "worker_class": BufferingWorker.within(limits),
            "threads": self._config.threads,
            "reuse_port": True,
            "preload_app": True,
            "timeout": 30,
            "graceful_timeout": 20,
            "keepalive": 5,
            "max_requests": 100_000,
            "max_requests_jitter": 10_000,
            "loglevel": "error",
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: PTH112, S108
        }
        for name, value in chosen.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until a signal ends it."""
        _Arbiter(self).run()

    def reread(self) -> bool:
        """Read the clients file again; whether what it says is in force now.

        Else all that is wrong is in the log, and what was in force stays so, in the same processes.
        """
        runtime = self._app.extensions["cds"]
        try:
            runtime.reload()
        except Failure as failure:
            _logger.error("SIGHUP: %s\nwhat was in force stays in force", failure)  # noqa: TRY400
            return False
        gc.freeze()  # shared with the processes to come, as at the start
        _logger.warning(
            "SIGHUP: clients file in force: %s, digest %s",
            _counted(runtime.clients),
            runtime.clients.digest[:12] or "(no file)",
        )
        return True

    def load(self) -> Any:
        """What gunicorn asks for the application."""
        return self._app


def _counted(clients: Clients) -> str:
    return "1 client" if len(clients.known) == 1 else f"{len(clients.known)} clients"
