"""A sync pair: which two accounts, which way, and what."""

from collections.abc import Collection
from typing import Any

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..account import account_entries
from ..const import (
    CONF_DIRECTION,
    CONF_FEATURES,
    CONF_INTERVAL,
    CONF_KIND,
    CONF_SOURCE,
    CONF_TARGET,
    DEFAULT_INTERVAL,
    EntryKind,
)
from ..pairing import (
    Problems,
    check_pair,
    offered_features,
    pair_changes,
    pair_title,
    pair_unique_id,
    suggested_pair,
)
from ..sync.models import Direction, Feature


@callback
def features_schema(hass: HomeAssistant, chosen: Collection[str] = ()) -> vol.Schema:
    """Return the field that says what is kept in step; what was chosen before can always be left out."""
    offered = offered_features(hass)
    return vol.Schema(
        {
            vol.Required(CONF_FEATURES): SelectSelector(
                SelectSelectorConfig(
                    options=[feature for feature in Feature if feature in offered or feature in chosen],
                    multiple=True,
                    mode=SelectSelectorMode.LIST,
                    translation_key="feature",
                )
            )
        }
    )


@callback
def accounts_schema(hass: HomeAssistant) -> vol.Schema:
    """Return the fields that say which accounts are joined, and which way."""
    accounts = SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=entry.unique_id or "", label=entry.title)
                for entry in account_entries(hass)
            ],
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return vol.Schema(
        {
            vol.Required(CONF_SOURCE): accounts,
            vol.Required(CONF_TARGET): accounts,
            vol.Required(CONF_DIRECTION): SelectSelector(
                SelectSelectorConfig(
                    options=list(Direction), mode=SelectSelectorMode.LIST, translation_key="direction"
                )
            ),
        }
    )


class PairSteps(ConfigFlow):
    """Steps of a sync pair."""

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Join two accounts."""
        problems = Problems()
        if user_input is not None:
            problems = check_pair(self.hass, user_input, user_input[CONF_FEATURES], None)
            if not problems.errors:
                await self.async_set_unique_id(pair_unique_id(user_input), raise_on_progress=False)
                features = user_input.pop(CONF_FEATURES)
                return self.async_create_entry(
                    title=pair_title(self.hass, user_input),
                    data={CONF_KIND: EntryKind.PAIR, **user_input},
                    options={CONF_FEATURES: features, CONF_INTERVAL: DEFAULT_INTERVAL},
                )
        schema = accounts_schema(self.hass).extend(features_schema(self.hass).schema)
        suggested = user_input or {CONF_DIRECTION: Direction.ONE_WAY, **suggested_pair(self.hass)}
        return self.async_show_form(
            step_id="pair",
            data_schema=self.add_suggested_values_to_schema(schema, suggested),
            errors=problems.errors,
            description_placeholders=problems.placeholders,
        )

    async def async_step_pair_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the accounts or the direction of a pair."""
        entry = self._get_reconfigure_entry()
        problems = Problems()
        if user_input is not None:
            problems = check_pair(self.hass, user_input, entry.options[CONF_FEATURES], entry)
            problems.move(CONF_FEATURES, "base")
            if not problems.errors:
                changes = pair_changes(self.hass, entry, user_input)
                return self.async_update_reload_and_abort(entry, data_updates=user_input, **changes)
        return self.async_show_form(
            step_id="pair_reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                accounts_schema(self.hass), user_input or entry.data
            ),
            errors=problems.errors,
            description_placeholders=problems.placeholders,
        )
