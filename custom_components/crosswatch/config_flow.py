"""Config flow: accounts, and pairs of two accounts."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlowResult,
    FlowType,
    OptionsFlow,
)
from homeassistant.core import callback

from .account import account_entries
from .const import CONF_KIND, CONF_PROVIDER, DOMAIN, EntryKind, ProviderName
from .flows.pair import PairSteps
from .flows.pair_options import PairOptionsFlow
from .flows.plex import PlexSteps
from .flows.plex_options import PlexOptionsFlow
from .flows.publicmetadb import PublicMetaDBSteps
from .flows.publicmetadb_options import PublicMetaDBOptionsFlow

OPTIONS_FLOWS: Final[Mapping[ProviderName, type[OptionsFlow]]] = {
    ProviderName.PLEX: PlexOptionsFlow,
    ProviderName.PUBLICMETADB: PublicMetaDBOptionsFlow,
}


class CrossWatchConfigFlow(PlexSteps, PublicMetaDBSteps, PairSteps, domain=DOMAIN):
    """One menu for everything that can be set up."""

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose what to set up. A pair needs two accounts."""
        options: list[str] = list(ProviderName)
        if len(account_entries(self.hass)) > 1:
            options.append(EntryKind.PAIR)
        return self.async_show_menu(step_id="user", menu_options=options)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with a pair when an account was added and there is another one to join it with."""
        new = result["result"].data
        if new[CONF_KIND] != EntryKind.ACCOUNT or len(account_entries(self.hass)) < 2:  # noqa: PLR2004 - a pair
            return result
        flows = self.hass.config_entries.flow
        menu = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
        await flows.async_configure(menu["flow_id"], {"next_step_id": EntryKind.PAIR})
        result["next_flow"] = (FlowType.CONFIG_FLOW, menu["flow_id"])
        return result

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Sign in to an account again."""
        if entry_data[CONF_PROVIDER] == ProviderName.PLEX:
            return await self.async_step_plex_confirm()
        return await self.async_step_publicmetadb_key()

    async def async_step_reconfigure(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change an account, or the accounts of a pair."""
        data = self._get_reconfigure_entry().data
        if data[CONF_KIND] == EntryKind.PAIR:
            return await self.async_step_pair_reconfigure()
        if data[CONF_PROVIDER] == ProviderName.PLEX:
            return await self.async_step_plex_confirm()
        return await self.async_step_publicmetadb_reconfigure()

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the options flow of a pair or an account."""
        data = config_entry.data
        if data[CONF_KIND] == EntryKind.PAIR:
            return PairOptionsFlow()
        return OPTIONS_FLOWS[ProviderName(data[CONF_PROVIDER])]()
