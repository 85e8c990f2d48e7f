"""What trouble with a service is called in forms, setup errors and actions: one word per kind."""

from typing import TypedDict

from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady, HomeAssistantError

from .const import DOMAIN
from .providers.plex.link import NoServerError
from .providers.plex.provider import WrongUserError
from .sync.database import StateError
from .sync.disk import fault_of
from .sync.provider import AuthError, ForbiddenError, ProviderError, RateLimitedError, UnreachableError


class StateWords(TypedDict):
    """What an exception is given to be told in words."""

    translation_key: str
    translation_placeholders: dict[str, str]


def error_key(err: ProviderError) -> str:
    """Return the translation key of a provider error, the same in forms and in exceptions."""
    match err:
        case AuthError() | WrongUserError():
            return "invalid_auth"
        case ForbiddenError():
            return "forbidden"
        case RateLimitedError():
            return "rate_limited"
        case UnreachableError():
            return "cannot_connect"
        case NoServerError():
            return "server_not_shared"
        case _:
            return "bad_answer"


def state_error(err: OSError | StateError, file: str | None = None) -> HomeAssistantError:
    """Return what is raised when a file of ours can't be read or written. `file`: which, of an OSError."""
    return HomeAssistantError(translation_domain=DOMAIN, **state_words(err, file))


def state_words(err: OSError | StateError, file: str | None = None) -> StateWords:
    """Return what says in words what is wrong with a file of ours."""
    fault, name = (err.fault, err.file) if isinstance(err, StateError) else (fault_of(err), file or "?")
    return {"translation_key": f"state_{fault}", "translation_placeholders": {"file": name}}


def setup_error(err: ProviderError, account: str) -> HomeAssistantError:
    """Return what the setup of an account raises: sign in again for a refused credential, else try later."""
    key = error_key(err)
    kind = ConfigEntryAuthFailed if key == "invalid_auth" else ConfigEntryNotReady
    return kind(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"account": account},
    )
