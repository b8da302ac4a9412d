"""The environment: what it may say, what it means unsaid, and what is said of a value that is wrong."""

import re
from pathlib import Path
from typing import Any

import pytest

from cds_service import settings
from cds_service.as_ehr.addresses import TOKEN_VARIABLE
from cds_service.failures import Failure, Kind

PACKAGE = Path(settings.__file__).parent


def test_an_empty_environment_listens_to_this_machine_alone_and_is_no_demonstration() -> None:
    said = settings.read({})
    assert (said.host, said.port) == ("127.0.0.1", 8080)
    assert (said.demo, said.allow_now, said.validate) == (False, False, False)
    assert said.audit_db == Path("var/audit.sqlite3")
    assert said.timezone.key == "UTC"


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("HOST", "::1", "host", "::1"),
        ("PORT", " 65535 ", "port", 65_535),
        ("CDS_CARDS_DIR", "/srv/cards", "cards", "/srv/cards"),
        ("CDS_FIXTURES_DIR", "/srv/fixtures", "fixtures", "/srv/fixtures"),
        ("CDS_AUDIT_DB", "/srv/a.sqlite3", "audit_db", Path("/srv/a.sqlite3")),
        ("CDS_AUDIT_KEY", "ab" * 16, "audit_key", "ab" * 16),
        ("CDS_TIMEZONE", "Europe/Berlin", "zone", "Europe/Berlin"),
        ("CDS_DEMO", "Yes", "demo", True),
        ("CDS_ALLOW_NOW", "on", "allow_now", True),
        ("CDS_VALIDATE", "true", "validate", True),
        ("CDS_WORKERS", "64", "workers", 64),
        ("CDS_THREADS", "1", "threads", 1),
        ("CDS_ORIGINS", "https://a.org, https://b.org", "origins", ("https://a.org", "https://b.org")),
        ("CDS_ORIGINS", "*", "origins", ("*",)),
        (
            "CDS_ORIGINS",
            "http://127.0.0.1:8080,http://[::1]:80",
            "origins",
            ("http://127.0.0.1:8080", "http://[::1]:80"),
        ),
        ("CDS_ORIGINS", "", "origins", ()),
        ("CDS_DEADLINE", "30", "deadline", 30),
        ("CDS_RATE", "20/second; 500 per minute", "rate", "20/second; 500 per minute"),
        ("CDS_RATE", "", "rate", ""),
        ("CDS_CLIENTS", "/etc/clients.yaml", "clients", Path("/etc/clients.yaml")),
        ("CDS_AUTH", "Required", "auth", "required"),
        ("CDS_AUTH", "off", "auth", "off"),
        ("CDS_AUTH_DISCOVERY", "1", "auth_discovery", True),
        ("CDS_PUBLIC_URL", "https://cds.example.org/x/", "public_url", "https://cds.example.org/x"),
    ],
)
def test_a_variable_decides_its_setting(name: str, text: str, field: str, value: Any) -> None:
    assert getattr(settings.read({name: text}), field) == value


def test_an_empty_variable_is_none() -> None:
    names = [variable.name for _, variable, _ in settings.variables()]
    names.remove("CDS_ORIGINS")  # there, empty means nobody
    names.remove("CDS_RATE")  # there, empty means no limit
    assert settings.read(dict.fromkeys(names, " ")) == settings.read({})


def test_a_demonstration_brings_its_own_time_and_validation_unless_told_otherwise() -> None:
    said = settings.read({"CDS_DEMO": "1", "CDS_VALIDATE": "off"})
    assert said.allow_now
    assert not said.validate


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80 80"),
        ("PORT", "٣"),
        ("CDS_WORKERS", "65"),
        ("CDS_THREADS", "-1"),
        ("CDS_DEMO", "maybe"),
        ("CDS_TIMEZONE", "Mars/Olympus"),
        ("CDS_TIMEZONE", "../etc/passwd"),
        ("CDS_ORIGINS", "https://a.org/"),
        ("CDS_ORIGINS", "https://a.org https://b.org/page"),
        ("CDS_ORIGINS", "null"),
        ("CDS_AUTH", "on"),
        ("CDS_AUTH", "no"),
        ("CDS_PUBLIC_URL", "cds.example.org"),
        ("CDS_PUBLIC_URL", "https://"),
        ("CDS_PUBLIC_URL", "ftp://cds.example.org"),
        ("CDS_PUBLIC_URL", "https://me@cds.example.org"),
        ("CDS_PUBLIC_URL", "https://cds.example.org/?x=1"),
        ("CDS_PUBLIC_URL", "https://cds.example.org:0"),
        ("CDS_PUBLIC_URL", "https://cds.example.org:99999"),
        ("CDS_ORIGINS", "a.org"),
        ("CDS_ORIGINS", "https://*.a.org"),
        ("CDS_ORIGINS", "https://A.org"),
        ("CDS_ORIGINS", "https://a.org:port"),
        ("CDS_ORIGINS", "https://user@a.org"),
        ("CDS_DEADLINE", "0"),
        ("CDS_DEADLINE", "121"),
        ("CDS_RATE", "often"),
        ("CDS_RATE", "20"),
        ("CDS_RATE", "-1/second"),
        ("CDS_RATE", "0/second"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Failure, match=f"^{name}: ") as caught:
        settings.read({name: text})
    assert caught.value.kind is Kind.INCORRECT


def test_no_variable_is_read_beside_these() -> None:
    known = {variable.name for _, variable, _ in settings.variables()}
    known.add(TOKEN_VARIABLE)  # of the commands that play the EHR: no setting of the service
    named = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r"\bCDS_[A-Z_]+\b", file.read_text("utf-8"))
    }
    assert len(named) > 8
    assert named - {TOKEN_VARIABLE} <= known  # which only the commands that play an EHR read


@pytest.mark.parametrize(
    ("host", "said", "open_to"),
    [
        ("127.0.0.1", None, ("*",)),
        ("127.8.8.8", None, ("*",)),
        ("::1", None, ("*",)),
        ("[::1]", None, ("*",)),
        ("localhost", None, ("*",)),
        ("0.0.0.0", None, ()),  # noqa: S104 - read, not listened to
        ("::", None, ()),
        ("192.0.2.7", None, ()),
        ("cds.example.org", None, ()),
        ("0.0.0.0", "*", ("*",)),  # noqa: S104
        ("127.0.0.1", "", ()),
        ("127.0.0.1", "https://a.org", ("https://a.org",)),
    ],
)
def test_pages_of_any_origin_may_call_only_where_nobody_else_can(
    host: str, said: str | None, open_to: tuple[str, ...]
) -> None:
    environment = {"HOST": host} | ({} if said is None else {"CDS_ORIGINS": said})
    assert settings.read(environment).open_to == open_to


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    ("public", "open_to"),
    [
        ("https://cds.example.org", ()),
        ("http://192.0.2.7:8080", ()),
        ("http://localhost:9000", ("*",)),
        ("", ("*",)),
    ],
)
def test_behind_a_proxy_on_the_same_machine_an_origin_has_to_be_named(
    public: str, open_to: tuple[str, ...]
) -> None:
    assert settings.read({"CDS_PUBLIC_URL": public}).open_to == open_to
    named = {"CDS_PUBLIC_URL": public, "CDS_ORIGINS": "https://a.org"}
    assert settings.read(named).open_to == ("https://a.org",)


@pytest.mark.requirement(50)
@pytest.mark.parametrize(
    ("environment", "required"),
    [
        ({}, False),
        ({"HOST": "127.0.0.1"}, False),
        ({"HOST": "127.9.9.9"}, False),
        ({"HOST": "::1"}, False),
        ({"HOST": "localhost"}, False),
        ({"HOST": "0.0.0.0"}, True),  # noqa: S104 - what is tested
        ({"HOST": "::"}, True),
        ({"HOST": "192.168.1.7"}, True),
        ({"HOST": "cds.example.org"}, True),
        ({"HOST": "127.0.0.1.example.org"}, True),
        ({"HOST": "localhost.example.org"}, True),
        ({"HOST": "0.0.0.0", "CDS_AUTH": "off"}, False),  # noqa: S104
        ({"HOST": "127.0.0.1", "CDS_AUTH": "required"}, True),
        # Behind a proxy on the same machine: it listens on loopback, and others call.
        ({"HOST": "127.0.0.1", "CDS_PUBLIC_URL": "https://cds.example.org"}, True),
        ({"HOST": "127.0.0.1", "CDS_PUBLIC_URL": "https://localhost:8443"}, False),
    ],
    ids=str,
)
def test_tokens_are_demanded_wherever_others_can_call(
    environment: dict[str, str], *, required: bool
) -> None:
    assert settings.read(environment).auth_required is required


def test_the_service_is_known_by_its_public_url_or_on_loopback_by_its_port() -> None:
    assert settings.read({"CDS_PUBLIC_URL": "https://a.org"}).public_urls == ("https://a.org",)
    assert "http://localhost:9000" in settings.read({"PORT": "9000"}).public_urls
    assert settings.read({"HOST": "0.0.0.0"}).public_urls == ()  # noqa: S104


def test_behind_a_proxy_on_its_own_machine_no_page_is_let_in_unasked() -> None:
    environment = {"CDS_PUBLIC_URL": "https://cds.example.org"}
    assert settings.read(environment).open_to == ()
    assert settings.read({"CDS_PUBLIC_URL": "http://localhost:8080"}).open_to == ("*",)
