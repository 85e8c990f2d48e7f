"""Actions about items that can't be written."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType
import voluptuous as vol

from ..errors import state_error
from ..pairs import loaded_pairs
from ..sync.database import StateError
from ..sync.explain import Explanation
from ..sync.models import Feature, Kind, Side
from ..sync.unresolved import UnresolvedRow
from ..texts import Texts, own_texts
from .targets import FEATURES, PAIR, async_check_features, async_pair_of, features_of

ATTR_FEATURE: Final = "feature"
ATTR_IGNORED: Final = "ignored"
ATTR_ITEM: Final = "item"
ATTR_KEY: Final = "key"
ATTR_KEYS: Final = "keys"
ATTR_KIND: Final = "kind"
ATTR_REASON: Final = "reason"
ATTR_SIDE: Final = "side"
ATTR_TMDB: Final = "tmdb"

GET_SCHEMA: Final = vol.Schema({**PAIR, **FEATURES, vol.Optional(ATTR_REASON): cv.string})


RETRY_SCHEMA: Final = vol.Schema(
    {**PAIR, vol.Optional(ATTR_KEYS): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string])}
)
EXPLAIN_SCHEMA: Final = vol.Schema({**PAIR, **FEATURES, vol.Required(ATTR_ITEM): cv.string})
IGNORE_SCHEMA: Final = vol.Schema(
    {
        **PAIR,
        vol.Required(ATTR_FEATURE): vol.Coerce(Feature),
        vol.Required(ATTR_SIDE): vol.Coerce(Side),
        vol.Required(ATTR_KEY): cv.string,
        vol.Optional(ATTR_IGNORED, default=True): cv.boolean,
    }
)
MAP_SCHEMA: Final = vol.Schema(
    {
        **PAIR,
        vol.Required(ATTR_ITEM): cv.string,
        vol.Required(ATTR_KIND): vol.Coerce(Kind),
        vol.Optional(ATTR_TMDB): cv.positive_int,
    }
)


async def async_get_unresolved(call: ServiceCall) -> ServiceResponse:
    """Return the items of a pair that can't be written."""
    features, reason = features_of(call), call.data.get(ATTR_REASON)
    pair, texts = async_pair_of(call), own_texts(call.hass)
    items: list[JsonValueType] = [
        {**_item(row, texts), "account": pair.account_titles[row.side]}
        for row in pair.data.items
        if (features is None or row.feature in features) and reason in (None, row.reason)
    ]
    return {"items": items}


async def async_retry_unresolved(call: ServiceCall) -> ServiceResponse:
    """Let items be tried again, in a run that is soon."""
    retried = await async_pair_of(call).memory.async_retry(call.data.get(ATTR_KEYS))
    return {"retried": retried} if call.return_response else None


async def async_ignore_item(call: ServiceCall) -> None:
    """Count an item as trouble no longer, or again."""
    data = call.data
    await async_pair_of(call).memory.async_ignore(
        data[ATTR_FEATURE], data[ATTR_SIDE], data[ATTR_KEY], ignored=data[ATTR_IGNORED]
    )


async def async_explain_item(call: ServiceCall) -> ServiceResponse:
    """Tell why items are as they are."""
    pair, features = async_pair_of(call), features_of(call)
    async_check_features(pair, features)
    try:
        found = await pair.async_explain(call.data[ATTR_ITEM], features)
    except StateError as err:
        raise state_error(err) from err
    texts = own_texts(call.hass)
    return {"items": [_in_words(explanation, texts, pair.account_titles) for explanation in found]}


async def async_map_item(call: ServiceCall) -> None:
    """Give a title its TMDb id, for all pairs, or take back the one that was given."""
    memory, data = async_pair_of(call).memory, call.data
    if ATTR_TMDB in data:
        await memory.async_map(data[ATTR_ITEM], data[ATTR_KIND], data[ATTR_TMDB])
        return
    for pair in loaded_pairs(call.hass):
        # it may be in the middle of what follows from the id
        pair.runtime_data.memory.ensure_idle()
    await memory.async_unmap(data[ATTR_ITEM], data[ATTR_KIND])


def _in_words(explanation: Explanation, texts: Texts, accounts: Mapping[Side, str]) -> JsonObjectType:
    """Return an explanation as JSON, with the words for its codes beside them."""
    told = explanation.as_dict()
    for side, row in told["sides"].items():
        row["account"] = accounts[Side(side)]
    for row in told["outcomes"]:
        words = texts.reason if row["what"] == "unresolved" else partial(texts.rule, accounts=accounts)
        row["why_text"] = None if row["why"] is None else words(row["why"])
    for row in told["written"]:
        row["why_text"] = texts.rule(row["why"], accounts)
    told["held_text"] = None if told["held"] is None else texts.held(told["held"], accounts)
    return told


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
        "ignored": row.ignored,
        "retry_at": None if row.retry_at is None else _moment(row.retry_at),
    }


def _moment(epoch: int) -> str:
    return dt_util.utc_from_timestamp(epoch).isoformat()
