"""By when a call must be answered. Between its stages a late one is given up."""

import time

import msgspec

from cds_service.failures import Failure, Kind

# In the WSGI environment, from our own server: when the first byte came, in monotonic seconds; and
# whether the process ends after what it has.
BEGUN = "heavy-legs.begun"
STOPPING = "heavy-legs.stopping"


class Deadline(msgspec.Struct, frozen=True):
    """The moment after which no answer is given.

    Attributes:
        seconds: how long the call may take, for the words.
        ends: in seconds of the monotonic clock.
    """

    seconds: float
    ends: float

    @classmethod
    def after(cls, seconds: float, begun: float | None = None) -> "Deadline":
        """So many seconds after the first byte came; from now, where that is not known."""
        return cls(seconds, (time.monotonic() if begun is None else begun) + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left; negative when it has passed."""
        return self.ends - time.monotonic()

    def check(self) -> None:
        """Nothing, while there is time.

        Raises:
            Failure: unavailable, afterwards. Who called has given up by then.
        """
        if self.left < 0:
            raise Failure(
                Kind.UNAVAILABLE,
                f"the call was not answered within {self.seconds:g} s",
                todo="look for what is slow: the machine, the audit disk, the EHR's FHIR server",
            )
