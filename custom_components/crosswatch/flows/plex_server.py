"""The end of every way to a Plex account: a media server, or the watchlist alone."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..account import PlexService, plex_unique_id
from ..const import CONF_ACCOUNT, CONF_KIND, CONF_PROVIDER, EntryKind, ProviderName
from ..errors import error_key
from ..providers.plex.account import PlexAccount
from ..providers.plex.auth import PlexCloud, PlexServer, PlexUser
from ..providers.plex.rights import OWN_STATE_ONLY
from ..sync.provider import ProviderError, UnreachableError
from ..texts import plain

CONF_SERVER: Final = "server"

type Step = Callable[[], Awaitable[ConfigFlowResult]]


class PlexServerSteps(ConfigFlow):
    """Steps that follow when it is known whose account it is."""

    _cloud: PlexCloud
    _client_id: str
    _user: PlexUser
    _user_token: str
    """Account token of the chosen user."""
    _servers: Mapping[str, PlexServer]
    _wanted_server: str | None = None
    """machineIdentifier of a server that is decided already."""
    _data: Mapping[str, Any]
    _limits: tuple[str, ...]
    _error: str
    _retry: Step

    @abstractmethod
    async def _async_choose_again(self) -> ConfigFlowResult:
        """Let somebody else in."""

    async def async_step_plex_server(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose a server, unless it is decided already, and finish when all of it works."""
        known = self._known_account
        if known is not None and known.server is None:
            return await self.async_step_plex_watchlist_only()
        if user_input is None and (trouble := await self._async_read_servers()) is not None:
            return trouble
        chosen = user_input[CONF_SERVER] if user_input else self._wanted_server
        if chosen is None and len(self._servers) == 1:
            chosen = next(iter(self._servers))
        errors: dict[str, str] = {}
        if chosen is not None:
            if (error := await self._async_check(self._servers[chosen])) is None:
                return self._finish(self._servers[chosen])
            if user_input is None:
                again = error == "already_configured"
                return self._show_trouble(
                    error, self._async_choose_again if again else self.async_step_plex_server
                )
            errors["base"] = error
        options = [SelectOptionDict(value=one.machine_id, label=one.name) for one in self._servers.values()]
        schema = vol.Schema({vol.Required(CONF_SERVER): drop_down(options)})
        return self.async_show_form(
            step_id="plex_server",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
        )

    async def _async_read_servers(self) -> ConfigFlowResult | None:
        """Read which servers the user may use; return what is shown when none of them can be chosen."""
        try:
            servers = await self._cloud.servers(self._user_token)
        except ProviderError as err:
            return self._show_trouble(error_key(err), self.async_step_plex_server)
        self._servers = {server.machine_id: server for server in servers}
        if self._wanted_server is not None and self._wanted_server not in self._servers:
            return self._show_trouble("server_not_shared", self._async_choose_again)
        return None if servers else await self.async_step_plex_no_server()

    async def async_step_plex_no_server(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether the watchlist alone is enough."""
        return self.async_show_menu(
            step_id="plex_no_server",
            menu_options=["plex_watchlist_only", "plex_choose_again"],
            description_placeholders={"user": plain(self._user.name)},
        )

    async def async_step_plex_watchlist_only(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Do without a media server: the watchlist is at Plex itself."""
        if (error := await self._async_check(None)) is None:
            return self._finish(None)
        again = error == "already_configured"
        return self._show_trouble(
            error, self._async_choose_again if again else self.async_step_plex_watchlist_only
        )

    async def async_step_plex_choose_again(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Do not do without one."""
        return await self._async_choose_again()

    async def _async_check(self, server: PlexServer | None) -> str | None:
        """Return what speaks against the account: it is set up already, or it does not work."""
        unique_id = plex_unique_id(server.machine_id if server else None, self._user.id)
        other = await self.async_set_unique_id(unique_id, raise_on_progress=False)
        if other is not None and other is not self._known_entry:
            return "already_configured"
        account = PlexAccount.of(self._client_id, self._user_token, self._user, server)
        data: dict[str, Any] = {
            CONF_KIND: EntryKind.ACCOUNT,
            CONF_PROVIDER: ProviderName.PLEX,
            CONF_ACCOUNT: account.as_dict(),
        }
        try:
            provider, learned = await PlexService().check(self.hass, data, {})
        except UnreachableError:  # plex.tv answered just now
            return "server_unreachable" if server else "cannot_connect"
        except ProviderError as err:
            return error_key(err)
        self._data, self._limits = {**data, **learned}, provider.limits
        return None

    @callback
    def _finish(self, server: PlexServer | None) -> ConfigFlowResult:
        """Create the account, or give the existing one its new sign-in. Say what it can't do."""
        if (known := self._known_entry) is not None:
            self._abort_if_unique_id_mismatch(reason="wrong_account")
            return self.async_update_reload_and_abort(known, data_updates=self._data)
        limited = None
        if server is None:
            limited = "watchlist_only"
        elif OWN_STATE_ONLY in self._limits:
            limited = "own_state_only"
        elif self._limits:
            limited = "not_owner"
        place = server.name if server else PlexService.name
        details = f"{self._user.name}, {server.name}" if server else self._user.name
        return self.async_create_entry(
            title=f"{PlexService.name} ({details})",
            data=self._data,
            description=limited,
            description_placeholders={"user": plain(self._user.name), "server": plain(place)},
        )

    # --- helpers --------------------------------------------------------------------------------

    async def async_step_plex_trouble(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what went wrong; submitting goes back to where it can be put right."""
        if user_input is not None:
            return await self._retry()
        return self._show_trouble(self._error, self._retry)

    @callback
    def _show_trouble(self, error: str, retry: Step) -> ConfigFlowResult:
        self._error, self._retry = error, retry
        return self.async_show_form(
            step_id="plex_trouble", data_schema=vol.Schema({}), errors={"base": error}
        )

    @property
    def _known_entry(self) -> ConfigEntry | None:
        """The account that gets a new sign-in; None while a new one is set up."""
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        return self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None

    @property
    def _known_account(self) -> PlexAccount | None:
        entry = self._known_entry
        return None if entry is None else PlexAccount.from_dict(entry.data[CONF_ACCOUNT])


@callback
def drop_down(options: list[SelectOptionDict]) -> SelectSelector:
    """Return a selector of one of the options."""
    return SelectSelector(SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN))
