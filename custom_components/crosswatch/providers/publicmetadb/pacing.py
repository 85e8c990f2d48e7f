"""The two request paces of an account, shared by everything that talks to it."""

from dataclasses import dataclass
import hashlib

from yarl import URL

from ..http import Pacer
from .settings import PublicMetaDBSettings


def account_id(base_url: str, api_key: str) -> str:
    """Return a stable name for an account that tells nothing about its key.

    The service has no "who am I" (API reference 3.1), so an account is an address and a key: a new key
    of the same user is another account id.
    """
    return hashlib.sha256(f"publicmetadb\0{base_url}\0{api_key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Pace:
    """One pacer for GET, one for every other method (API reference 6.1)."""

    get: Pacer
    write: Pacer

    def of(self, method: str) -> Pacer:
        """Return the pacer of a method."""
        return self.get if method == "GET" else self.write


class Pacers:
    """The paces by host and key. Keep one for as long as anything talks to the service.

    The service counts per account and address, so two providers, or a provider and the verification of
    a key that is being entered, must share one pace.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._paces: dict[str, Pace] = {}

    def of(self, settings: PublicMetaDBSettings) -> Pace:
        """Return the pace of the account. It keeps its present speed; `apply` changes it."""
        account = account_id(URL(settings.base_url).host or "", settings.api_key)
        if (pace := self._paces.get(account)) is None:
            pace = Pace(Pacer(settings.get_per_sec), Pacer(settings.post_per_sec))
            self._paces[account] = pace
        return pace

    def apply(self, settings: PublicMetaDBSettings) -> Pace:
        """Return the pace of the account at the speed of these settings."""
        pace = self.of(settings)
        pace.get.per_second = settings.get_per_sec
        pace.write.per_second = settings.post_per_sec
        return pace
