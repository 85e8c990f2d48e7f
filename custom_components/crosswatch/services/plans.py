"""Actions about plans that wait for a person."""

from collections.abc import Collection
from typing import Final

from homeassistant.core import ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..const import DOMAIN
from ..coordinator import PairCoordinator
from ..sync.models import Feature
from .targets import PAIR, async_pair_of

ATTR_FEATURE: Final = "feature"
ATTR_PLAN_HASH: Final = "plan_hash"

DECIDE_SCHEMA: Final = vol.Schema(
    {
        **PAIR,
        vol.Optional(ATTR_FEATURE): vol.Coerce(Feature),
        vol.Optional(ATTR_PLAN_HASH): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string]),
    }
)


async def async_approve_plan(call: ServiceCall) -> None:
    """Let what waits be carried out."""
    pair = async_pair_of(call)
    await pair.memory.async_approve(_plans(pair, call))


async def async_reject_plan(call: ServiceCall) -> None:
    """Let what waits be left out."""
    pair = async_pair_of(call)
    await pair.memory.async_reject(_plans(pair, call))


def _plans(pair: PairCoordinator, call: ServiceCall) -> Collection[tuple[Feature, str]]:
    """Return what waits and was meant: with hashes those plans and no others."""
    feature, hashes = call.data.get(ATTR_FEATURE), set(call.data.get(ATTR_PLAN_HASH, ()))
    found = [
        plan for plan in pair.data.plans if feature in (None, plan[0]) and (not hashes or plan[1] in hashes)
    ]
    if not found or not hashes <= {plan_hash for _, plan_hash in found}:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="plan_gone" if hashes else "nothing_held",
            translation_placeholders={"pair": pair.config_entry.title},
        )
    return found
