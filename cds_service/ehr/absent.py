"""What ends one query, or one page of it, without the data."""

from cds_service.fhir.absence import Absence


class AbsentError(Exception):
    """The data are not to be had.

    Args:
        why: one of the closed set.
        status: the HTTP status that said so; 0 where none did.
    """

    def __init__(self, why: Absence, status: int = 0) -> None:
        """Keep the reason; nothing of the query is in it, for it may be logged."""
        super().__init__(f"{why} ({status})" if status else str(why))
        self.why = why
        self.status = status
