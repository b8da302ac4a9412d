"""Authentication that is off by itself is off for callers of this machine alone."""

import json

import pytest

from tests.conformance.calls import address, request
from tests.conformance.conftest import MakeApp

DISCOVERY = "/cds-services"
BODY = json.dumps(request())
OF_THIS_MACHINE = (
    *("localhost:8080", "LOCALHOST", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "cds.localhost"),
    "host.docker.internal:8080",
    "",  # HTTP/1.0 needs none, and no browser speaks that
)
OF_ANOTHER = (
    *("evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example."),
    *("localhost@evil.example", "localhost, evil.example", "192.168.1.5", "[::1"),
)


@pytest.mark.requirement(50)
def test_a_page_whose_own_name_leads_here_is_not_this_machine(make_app: MakeApp) -> None:
    """DNS rebinding: to the browser such a page and we are one origin, and CORS is not asked."""
    trusting, told = make_app().test_client(), make_app(auth="off").test_client()
    expected = [(host, 200) for host in OF_THIS_MACHINE] + [(host, 401) for host in OF_ANOTHER]
    for host, status in expected:
        named = {"HTTP_HOST": host}
        for client, right in ((trusting, status), (told, 200)):
            found = client.get(DISCOVERY, environ_overrides=named)
            assert found.status_code == right, host
            found = client.post(
                address(), data=BODY, content_type="application/json", environ_overrides=named
            )
            assert found.status_code == right, host
