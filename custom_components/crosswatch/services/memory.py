"""Actions about what a pair remembers."""

from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse
import voluptuous as vol

from .targets import FEATURES, PAIR, async_pair_of, features_of

RESET_SCHEMA: Final = vol.Schema({**PAIR, **FEATURES})
EXPORT_SCHEMA: Final = vol.Schema(PAIR)


async def async_reset_state(call: ServiceCall) -> None:
    """Forget what both sides agreed on: the next run only adds, like the first one."""
    await async_pair_of(call).memory.async_reset(features_of(call))


async def async_export_state(call: ServiceCall) -> ServiceResponse:
    """Write what a pair remembers to a file."""
    exported = await async_pair_of(call).memory.async_export()
    if not call.return_response:
        return None
    return {"file": str(exported.path), "rows": dict(exported.rows)}
