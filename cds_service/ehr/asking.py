"""One query, asked until it is answered or it is clear that it will not be."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

from cds_service.ehr.absent import AbsentError
from cds_service.ehr.budget import Budget
from cds_service.ehr.connection import Answer, Connection
from cds_service.fhir.absence import Absence

_AGAIN = frozenset({429, 502, 503})  # the server is busy, or the proxy before it lost it for a moment
_MOST_TIMES = 4
_FIRST_WAIT = 0.1  # seconds; twice as long each time, where the server does not say
_WHY = {
    401: Absence.NOT_AUTHORISED,
    403: Absence.NOT_AUTHORISED,
    404: Absence.NOT_FOUND,
    410: Absence.NOT_FOUND,
    429: Absence.BUSY,
    502: Absence.BUSY,
    503: Absence.BUSY,
}


def asked(url: str, connection: Connection, budget: Budget) -> bytes:
    """The body of the answer.

    Raises:
        AbsentError: with the status, where there was one.
    """
    wait = _FIRST_WAIT
    for _ in range(_MOST_TIMES - 1):
        answer = connection.get(url)
        if answer.status not in _AGAIN:
            return _body(answer)
        if not budget.wait(max(wait, retry_after(answer))):
            raise AbsentError(Absence.BUSY, answer.status)
        wait *= 2
    return _body(connection.get(url))


def _body(answer: Answer) -> bytes:
    if answer.status == 200:  # noqa: PLR2004 - HTTP's own
        return answer.body
    raise AbsentError(_WHY.get(answer.status) or _by_class(answer.status), answer.status)


def _by_class(status: int) -> Absence:
    match status // 100:
        case 3:
            return Absence.REDIRECTED
        case 4:
            return Absence.QUERY_REFUSED
        case 5:
            return Absence.SERVER_ERROR
        case _:
            return Absence.NOT_FHIR  # 204 and its like: no data in it


def retry_after(answer: Answer) -> float:
    """Seconds that the server asks to wait: 0 where it does not say, or not in a way that can be read.

    A date is held against the server's own (`Date`), so that no two clocks are compared.
    """
    said = answer.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
        wait = until - parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, wait / timedelta(seconds=1))
