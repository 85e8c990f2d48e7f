"""What the engine asks of a provider, and the errors a provider may raise.

The contract lives here and not beside the providers, so that the engine depends on none of them.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .disk import DiskFault
from .models import Action, Change, Entry, Feature, Kind, Outcome, Scope, Snapshot


class ProviderError(Exception):
    """Base of everything a provider raises. The text never holds a token, a key or a server address."""


class AuthError(ProviderError):
    """The credential was refused: the account needs to sign in again."""


class ForbiddenError(ProviderError):
    """The credential is good, the user may not do this."""


class UnreachableError(ProviderError):
    """No answer: refused, timed out, dropped, or the service is down (temporary 5xx after all tries)."""


class RateLimitedError(UnreachableError):
    """Still 429 after all tries, or asked to wait longer than is sensible. `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Keep how long the service asked to be left alone."""
        super().__init__(message)
        self.retry_after = retry_after


class BadAnswerError(ProviderError):
    """An answer that is not what the interface promises: HTML, another shape, `success: false`."""


class IncompleteReadError(BadAnswerError):
    """Rows are missing, repeated or moving: the read can't stand for what the side holds."""


class NotFoundError(ProviderError):
    """404 for one thing; what that means is the caller's business."""


class RefusedError(ProviderError):
    """Any other 4xx for one request. `status` is the HTTP status, `detail` a short server text."""

    def __init__(self, status: int, detail: str = "") -> None:
        """Keep the status for reasons such as `http:409`."""
        super().__init__(f"http:{status} {detail}".strip())
        self.status = status
        self.detail = detail


class StateFileError(ProviderError):
    """A file that the provider keeps can't be read or kept: nothing may be written on such ground."""

    def __init__(self, file: str, fault: DiskFault, detail: str) -> None:
        """Keep what is wrong with the file of this name."""
        super().__init__(f"state file {file} {detail}")
        self.file = file
        self.fault = fault


class UncertainWriteError(ProviderError):
    """A write that must not be repeated blindly failed in a way that may have left it applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What a provider can do for one feature.

    `dated`: a play that is added keeps its date. `absence_is_removal`: what is not shown any more was taken
    away; False where a service may also hide it, so that an absence never travels. `rating_step`: ratings
    are kept in multiples of so many tenths, as far as is known. `least_percent` and `complete_percent` bound
    the resume positions that the service keeps: below the first it ignores them, from the second on it takes
    the item for watched. `ahead`: changes that are journaled and handed over at once. After a killed process
    at most so many are in doubt; a service with a pace stands idle for the time of an answer after each of
    them.
    """

    kinds: frozenset[Kind]
    add: bool = False
    update: bool = False
    remove: bool = False
    dated: bool = True
    absence_is_removal: bool = True
    rating_step: int = 1
    least_percent: float = 0.0
    complete_percent: float = 100.0
    ahead: int = 20


class Provider(Protocol):
    """One account at one service, shared by all pairs that use it.

    `read` and `apply` raise `AuthError`, `UnreachableError` or another `ProviderError` when the account
    as a whole is in trouble; trouble with one item is an `Outcome`.
    """

    @property
    def name(self) -> str:
        """Service name, such as `plex`."""

    @property
    def capabilities(self) -> Mapping[Feature, Capability]:
        """Features this account can take part in."""

    @property
    def requests(self) -> int:
        """HTTP requests sent so far; a run reports the difference."""

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read everything the account holds of a feature. Never writes. Raises unless complete."""

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Documented reason why the entry can't be written here, from the entry alone; None if it can."""

    def apply(self, feature: Feature, changes: Sequence[Change], scope: Scope) -> AsyncGenerator[Outcome]:
        """Write the changes in order and yield each outcome as soon as it is known.

        Paced; cancellable at any await. Never repeats a write that may have landed.
        """


@runtime_checkable
class Thawing(Protocol):
    """A provider that keeps what it refused in files of its own, which a person may delete."""

    async def thawed(self, feature: Feature, scope: Scope, resting: Mapping[str, str]) -> frozenset[str]:
        """Return those of these keys, with the reasons it gave, that may be tried before they are due."""

    async def thaw(self, pair: str, keys: Collection[str] | None = None) -> None:
        """Let what was refused be tried in the next run: these keys of a pair, or all of them."""
