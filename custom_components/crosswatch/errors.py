"""What trouble with a service is called in forms, setup errors and actions: one word per kind."""

from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady, HomeAssistantError

from .const import DOMAIN
from .providers.plex.link import NoServerError
from .providers.plex.provider import WrongUserError
from .sync.provider import AuthError, ForbiddenError, ProviderError, RateLimitedError, UnreachableError


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


def setup_error(err: ProviderError, account: str) -> HomeAssistantError:
    """Return what the setup of an account raises: sign in again for a refused credential, else try later."""
    key = error_key(err)
    kind = ConfigEntryAuthFailed if key == "invalid_auth" else ConfigEntryNotReady
    return kind(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"account": account},
    )
