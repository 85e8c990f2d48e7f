"""Actions about items that can't be written."""

from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType
import voluptuous as vol

from ..sync.unresolved import UnresolvedRow
from ..texts import Texts, own_texts
from .targets import FEATURES, PAIR, async_pair_of, features_of

ATTR_REASON: Final = "reason"

GET_SCHEMA: Final = vol.Schema({**PAIR, **FEATURES, vol.Optional(ATTR_REASON): cv.string})


async def async_get_unresolved(call: ServiceCall) -> ServiceResponse:
    """Return the items of a pair that can't be written."""
    features, reason = features_of(call), call.data.get(ATTR_REASON)
    texts = own_texts(call.hass)
    items: list[JsonValueType] = [
        _item(row, texts)
        for row in async_pair_of(call).data.items
        if (features is None or row.feature in features) and reason in (None, row.reason)
    ]
    return {"items": items}


def _item(row: UnresolvedRow, texts: Texts) -> JsonObjectType:
    return {
        "feature": str(row.feature),
        "side": str(row.side),
        "key": row.key,
        "title": row.name,
        "reason": row.reason,
        "why": texts.reason(row.reason),
        "attempts": row.attempts,
        "first_seen": _moment(row.first_seen),
        "last_seen": _moment(row.last_seen),
        "retry_at": None if row.retry_at is None else _moment(row.retry_at),
    }


def _moment(epoch: int) -> str:
    return dt_util.utc_from_timestamp(epoch).isoformat()
