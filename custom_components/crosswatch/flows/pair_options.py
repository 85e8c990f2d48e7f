"""Options of a sync pair: what it keeps in step, how often, and where it differs from its accounts."""

from collections.abc import Sequence
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    TextSelector,
)
import voluptuous as vol

from ..account import AccountConfigEntry, account_entry
from ..const import (
    CONF_ACCOUNT,
    CONF_FEATURES,
    CONF_INTERVAL,
    CONF_PROVIDER,
    CONF_RATINGS_LABEL,
    CONF_SOURCE,
    CONF_TARGET,
    CONF_WATCHLIST_NAME,
    LONGEST_INTERVAL,
    PAIR_LIBRARIES,
    SHORTEST_INTERVAL,
    ProviderName,
)
from ..pairing import Problems, check_features, offered_features
from ..providers.plex.account import PlexAccount
from ..sync.models import Feature
from .choices import async_ask
from .pair import features_schema
from .plex_options import async_libraries
from .settings import library_selector

INTERVAL: Final = NumberSelector(
    NumberSelectorConfig(
        min=0, max=LONGEST_INTERVAL, step=1, unit_of_measurement="min", mode=NumberSelectorMode.BOX
    )
)
NAMES: Final = (CONF_WATCHLIST_NAME, CONF_RATINGS_LABEL)


class PairOptionsFlow(OptionsFlowWithReload):
    """What a pair keeps in step, how often, and where it differs from its accounts."""

    _libraries: Sequence[SelectOptionDict] | None = None
    """None: there is no server, or it could not be asked."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the options."""
        entry = self.config_entry
        problems = Problems()
        if user_input is None:
            await self._async_ask_for_libraries(problems)
        else:
            self._check(user_input, problems)
            if not problems.errors:
                return self.async_create_entry(data=_without_blanks(user_input))
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(self._schema(), user_input or entry.options),
            errors=problems.errors,
            description_placeholders={**problems.placeholders, "shortest": str(SHORTEST_INTERVAL)},
        )

    def _check(self, user_input: dict[str, Any], problems: Problems) -> None:
        found = check_features(self.hass, self.config_entry.data, user_input[CONF_FEATURES])
        for error in found.errors.values():
            # also when it is the direction that does not allow it: only the features can be changed here
            problems.errors[CONF_FEATURES] = error
            problems.placeholders = found.placeholders
        if 0 < user_input[CONF_INTERVAL] < SHORTEST_INTERVAL:
            problems.errors[CONF_INTERVAL] = "interval_too_short"

    async def _async_ask_for_libraries(self, problems: Problems) -> None:
        """Ask the one server of the pair for its libraries; those that are stored can be kept anyway."""
        if (account := self._plex_account()) is None:
            return
        self._libraries = await async_ask(async_libraries(self.hass, account))
        if self._libraries is None:
            problems.errors["base"] = "libraries_unknown"

    @callback
    def _accounts(self, provider: ProviderName) -> list[AccountConfigEntry]:
        data = self.config_entry.data
        entries = (account_entry(self.hass, data[side]) for side in (CONF_SOURCE, CONF_TARGET))
        return [entry for entry in entries if entry is not None and entry.data[CONF_PROVIDER] == provider]

    @callback
    def _plex_account(self) -> PlexAccount | None:
        """Return the account on the one server of the pair: two servers number their libraries alike."""
        entries = self._accounts(ProviderName.PLEX)
        if len(entries) != 1:
            return None
        account = PlexAccount.from_dict(entries[0].data[CONF_ACCOUNT])
        return account if account.server else None

    @callback
    def _schema(self) -> vol.Schema:
        """Return the form. What is stored has its field, even if it would not be offered any more."""
        options = self.config_entry.options
        offered = offered_features(self.hass)
        schema: dict[vol.Marker, Any] = {
            **features_schema(self.hass, options[CONF_FEATURES]).schema,
            vol.Required(CONF_INTERVAL): INTERVAL,
            vol.Optional(CONF_WATCHLIST_NAME): TextSelector(),
        }
        for key, feature in PAIR_LIBRARIES.items():
            if key in options or (feature in offered and self._plex_account() is not None):
                schema[vol.Optional(key)] = library_selector(self._libraries or (), options.get(key, []))
        labelled = Feature.RATINGS in offered and self._accounts(ProviderName.PUBLICMETADB)
        if CONF_RATINGS_LABEL in options or labelled:
            schema[vol.Optional(CONF_RATINGS_LABEL)] = TextSelector()
        return vol.Schema(schema)


def _without_blanks(user_input: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored: a pair differs from its accounts only where somebody said so."""
    options = {**user_input, CONF_INTERVAL: int(user_input[CONF_INTERVAL])}
    for key in NAMES:
        if key in options:
            options[key] = options[key].strip()
    optional = {*NAMES, *PAIR_LIBRARIES}
    return {key: value for key, value in options.items() if value or key not in optional}
