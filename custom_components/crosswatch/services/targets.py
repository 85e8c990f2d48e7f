"""What the actions have in common: the pairs they are about, and their features."""

from collections.abc import Collection, Iterable
from typing import Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
import voluptuous as vol

from ..const import CONF_FEATURES, CONF_KIND, DOMAIN, EntryKind
from ..coordinator import PairCoordinator
from ..sync.models import Feature

PAIR: Final = {vol.Required(ATTR_DEVICE_ID): cv.string}
PAIRS: Final = {vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string])}
FEATURES: Final = {
    vol.Optional(CONF_FEATURES): vol.All(cv.ensure_list, vol.Length(min=1), [vol.Coerce(Feature)])
}


@callback
def async_pair(hass: HomeAssistant, device_id: str) -> PairCoordinator:
    """Return the pair of a device, or raise when the device is something else."""
    device, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    if entry.data[CONF_KIND] != EntryKind.PAIR:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_pair",
            translation_placeholders={"device": device.name_by_user or device.name or device_id},
        )
    coordinator: PairCoordinator = entry.runtime_data
    return coordinator


@callback
def async_pair_of(call: ServiceCall) -> PairCoordinator:
    """Return the one pair that an action is about."""
    return async_pair(call.hass, call.data[ATTR_DEVICE_ID])


def features_of(call: ServiceCall) -> tuple[Feature, ...] | None:
    """Return the features an action was asked for, in the order they run; None for all."""
    chosen: Collection[Feature] | None = call.data.get(CONF_FEATURES)
    return None if chosen is None else tuple(feature for feature in Feature if feature in chosen)


@callback
def async_check_features(pair: PairCoordinator, chosen: Iterable[Feature] | None) -> None:
    """Raise when a feature is asked for that is switched off."""
    if off := [feature for feature in chosen or () if feature not in pair.features]:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="feature_off",
            translation_placeholders={"pair": pair.config_entry.title, "features": ", ".join(off)},
        )
