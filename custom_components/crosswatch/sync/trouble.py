"""Trouble with a side: which one it struck, and what it means for the feature."""

from .models import Side
from .provider import AuthError, BadAnswerError, ProviderError, UnreachableError
from .report import RunStatus


class SideError(Exception):
    """A provider error together with the side it struck."""

    def __init__(self, side: Side, error: ProviderError) -> None:
        """Keep both."""
        super().__init__(side, error)
        self.side = side
        self.error = error


def gravity(error: BaseException) -> int:
    """Order of errors that come together: trouble, a closed door, a defect."""
    if not isinstance(error, SideError):
        return 2
    return 1 if isinstance(error.error, AuthError) else 0


def status_of(error: ProviderError) -> RunStatus:
    """Map a provider error to the outcome of the feature. The one place that does."""
    if isinstance(error, AuthError):
        return RunStatus.AUTH_FAILED
    if isinstance(error, UnreachableError):
        return RunStatus.UNREACHABLE
    if isinstance(error, BadAnswerError):
        return RunStatus.INCOMPLETE
    return RunStatus.FAILED
