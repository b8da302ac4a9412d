"""Which base URLs are the same, which are none, and which may be asked."""

import pytest

from cds_service.clients.model import FhirServer
from cds_service.ehr.allowlist import allowed, normalised

SAME = [
    ("https://fhir.example.org/R4", "https://fhir.example.org/R4"),
    ("https://fhir.example.org/R4/", "https://fhir.example.org/R4"),
    ("HTTPS://FHIR.Example.org:443/R4", "https://fhir.example.org/R4"),
    ("http://fhir.example.org:80/R4", "http://fhir.example.org/R4"),
    ("https://fhir.example.org", "https://fhir.example.org"),
    ("https://fhir.example.org/", "https://fhir.example.org"),
    ("https://fhir.example.org:8443/a/b-c_d~e", "https://fhir.example.org:8443/a/b-c_d~e"),
    ("https://[2001:DB8::1]/fhir", "https://[2001:db8::1]/fhir"),
    ("https://192.0.2.7/fhir", "https://192.0.2.7/fhir"),
]
NONE = [
    "",
    "fhir.example.org/R4",
    "//fhir.example.org/R4",
    "ftp://fhir.example.org/R4",
    "file:///etc/passwd",
    "https:fhir.example.org/R4",
    "https://",
    "https:///R4",
    "https://user@fhir.example.org/R4",
    "https://user:pw@fhir.example.org/R4",
    "https://fhir.example.org@evil.example/R4",
    "https://fhir.example.org\\@evil.example/R4",
    "https://fhir.example.org/R4?x=1",
    "https://fhir.example.org?x=/R4",
    "https://fhir.example.org/R4#f",
    "https://fhir.example.org/R4/../admin",
    "https://fhir.example.org/./R4",
    "https://fhir.example.org/R4/..",
    "https://fhir.example.org/R4/%2e%2e/admin",
    "https://fhir.example.org/R4%2Fadmin",
    "https://fhir.example.org/R4%5Cadmin",
    "https://fhir.example.org//R4",
    "https://fhir.example.org/R4//x",
    "https://fhir.example.org/R4 x",
    "https://fhir.example.org/R4\r\nHost: evil",
    "https://fhir.exämple.org/R4",
    "https://fhir.example.org:0/R4",
    "https://fhir.example.org:99999/R4",
    "https://fhir.example.org:port/R4",
    "https://fhir..example.org\x00/R4",
    "https://[::1/R4",
    "https://-x/R4",
    "https://fhir.example.org/" + "a" * 3000,
]


@pytest.mark.requirement(23)
@pytest.mark.parametrize(("url", "normal"), SAME)
def test_a_base_has_one_form(url: str, normal: str) -> None:
    assert normalised(url) == normal


@pytest.mark.requirement(23)
@pytest.mark.parametrize("url", NONE)
def test_what_two_programs_could_read_in_two_ways_is_none(url: str) -> None:
    assert normalised(url) is None
    assert allowed(url, [FhirServer(url), FhirServer("https://fhir.example.org/R4")]) is None


@pytest.mark.requirement(23)
@pytest.mark.parametrize(
    "url",
    [
        "https://fhir.example.org/r4",
        "https://fhir.example.org/R4/x",
        "https://fhir.example.org/R4x",
        "https://fhir.example.org",
        "https://fhir.example.org:8443/R4",
        "http://fhir.example.org/R4",
        "https://fhir.example.org.evil.example/R4",
        "https://evil.example/R4",
    ],
)
def test_only_the_whole_base_is_the_same(url: str) -> None:
    assert allowed(url, [FhirServer("https://fhir.example.org/R4")]) is None


@pytest.mark.requirement(23)
def test_the_entry_decides_on_http_and_on_private_networks() -> None:
    base = "http://fhir.example.org/R4"
    assert allowed(base, [FhirServer(base)]) is None
    found = allowed(f"{base}/", [FhirServer(base, plain_http=True, private=True)])
    assert found == FhirServer(base, plain_http=True, private=True)
    assert allowed("https://fhir.example.org/R4", [FhirServer(base, plain_http=True)]) is None


def test_without_entries_nobody_is_asked() -> None:
    assert allowed("https://fhir.example.org/R4", []) is None
