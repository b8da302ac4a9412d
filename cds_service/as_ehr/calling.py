"""Calls over HTTP as these commands make them: no redirects, exact numbers, errors in words."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import requests
from requests.auth import AuthBase

from cds_service.as_ehr.addresses import on_this_machine, printable
from cds_service.failures import Failure, Kind

Json = dict[str, Any]
PATIENCE = (10, 60)  # seconds to connect, and for each piece of the answer
_exact = msgspec.json.Encoder(decimal_format="number")


class Answer(msgspec.Struct, frozen=True):
    """What was answered: the status, and the JSON object; empty when it was something else.

    Attributes:
        status: of HTTP.
        body: the object, numbers exact.
        said: what the answer says in words, when it is no success: of an OperationOutcome, or what kind
            of thing it is.
    """

    status: int
    body: Json
    said: str = ""

    @property
    def well(self) -> bool:
        """Whether it is a success that holds an object."""
        return not self.said


class Bearer(AuthBase):
    """Sends a token, or none: what stands in ~/.netrc is never sent."""

    def __init__(self, token: str) -> None:
        """Keep the token."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add it."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Endpoint:
    """One server that is called, by its base address."""

    def __init__(self, address: str, token: str = "", *, start: str = "") -> None:
        """Take the address, the token for it, and how its server is started, for the message."""
        self.address = address
        self._start = start
        self._session = requests.Session()
        self._session.auth = Bearer(token)
        # A proxy of the environment is for other machines.
        self._session.trust_env = not on_this_machine(address)

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Json | None = None
    ) -> Answer:
        """Call and return the answer, whatever its status.

        Raises:
            Failure: unavailable, when there is no answer.
        """
        data = None if body is None else encoded(body)
        try:
            found = self._session.request(
                method, url, data=data, headers=dict(headers), timeout=PATIENCE, allow_redirects=False
            )
        except requests.Timeout as error:
            raise Failure(Kind.UNAVAILABLE, "does not answer in time", where=self.address) from error
        except requests.exceptions.SSLError as error:
            raise Failure(
                Kind.UNAVAILABLE,
                "the secure connection (TLS) fails",
                where=self.address,
                todo="see whether its certificate is valid, and whether http:// is meant",
            ) from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            todo = self._start or "see whether the address is right and the server runs"
            raise Failure(Kind.UNAVAILABLE, "nobody answers", where=self.address, todo=todo) from error
        except requests.RequestException as error:
            raise Failure(
                Kind.INCORRECT, f"cannot be called ({type(error).__name__})", where=self.address
            ) from error
        return _read(found)


def encoded(body: Json) -> bytes:
    """JSON, numbers as they were written."""
    return _exact.encode(body)


def _read(found: requests.Response) -> Answer:
    try:
        value = json.loads(found.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        kind = found.headers.get("Content-Type", "no content type").split(";")[0]
        said = f"{found.status_code}, {printable(kind)} and no JSON object"
        if place := found.headers.get("Location"):
            said = f"{found.status_code}, redirects to {printable(place)}"
        return Answer(found.status_code, {}, said)
    if not found.ok or found.is_redirect:
        return Answer(found.status_code, value, f"{found.status_code} {in_words(value)}".strip())
    return Answer(found.status_code, value)


def in_words(body: Json) -> str:
    """What an OperationOutcome says; empty for anything else."""
    issues = body.get("issue")
    said = []
    for one in issues if isinstance(issues, list) else []:
        if isinstance(one, dict):
            details = one.get("details")
            text = details.get("text") if isinstance(details, dict) else None
            said.append(str(text or one.get("diagnostics") or one.get("code") or ""))
    return printable("; ".join(filter(None, said)))
