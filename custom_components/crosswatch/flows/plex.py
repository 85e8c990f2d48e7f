"""A Plex account: sign-in at plex.tv, then a user; `plex_server` goes on from there."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
)
from homeassistant.const import CONF_PIN, CONF_TOKEN
from homeassistant.core import callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    SelectOptionDict,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from ..account import async_plex_client_id, plex_hosts
from ..const import DOMAIN, LOGGER
from ..errors import error_key
from ..providers.plex.auth import (
    HomeUser,
    Pin,
    PinExpiredError,
    PlexCloud,
    PlexUser,
    WrongPinError,
)
from ..sync.provider import AuthError, BadAnswerError, ProviderError, UnreachableError
from ..texts import plain
from .plex_server import PlexServerSteps, drop_down

POLL_EVERY: Final = 2.0
"""Seconds between two questions whether the person has signed in; plex.tv allows one per second."""
PIN_LIFE: Final = 1800.0
"""Seconds after which a sign-in is given up, whatever the clocks say."""

CONF_ENTRY: Final = "entry"
CONF_USER: Final = "user"

CORE_PLEX: Final = "plex"
"""Domain of Home Assistant's own Plex integration, and the keys of its entries that matter here."""
CORE_SERVER_ID: Final = "server_id"
CORE_SERVER_CONFIG: Final = "server_config"

PIN_SCHEMA = vol.Schema(
    {vol.Required(CONF_PIN): TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))}
)


class PlexSteps(PlexServerSteps):
    """Steps of a Plex account. They serve a new account, a new sign-in and a reconfiguration alike."""

    _pin: Pin
    _sign_in: asyncio.Task[str] | None = None
    _token: str
    """Account token of the person who signed in."""
    _signed_in: PlexUser
    _members: Mapping[str, HomeUser]
    """Everybody else in that person's home, by id."""
    _member: HomeUser

    # --- sign-in --------------------------------------------------------------------------------

    async def async_step_plex(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Offer the account of a server that Home Assistant knows, where there is one."""
        if self._core_entries():
            return self.async_show_menu(step_id="plex", menu_options=["plex_link", "plex_existing"])
        return await self.async_step_plex_link()

    async def async_step_plex_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Start the new sign-in of an existing account."""
        if user_input is not None:
            return await self.async_step_plex_link()
        entry = self._known_entry
        return self.async_show_form(
            step_id="plex_confirm", description_placeholders={"account": plain(entry.title) if entry else ""}
        )

    async def async_step_plex_link(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the link, and wait until the person has signed in there."""
        if self._sign_in is None:
            await self._async_open_cloud()
            try:
                self._pin = await self._cloud.create_pin()
            except ProviderError as err:
                return self._show_trouble(error_key(err), self.async_step_plex_link)
            # in the background: it must hold up neither the start nor the stop of Home Assistant
            self._sign_in = self.hass.async_create_background_task(
                self._async_wait_for_sign_in(), f"{DOMAIN} sign-in at plex.tv"
            )
        if not self._sign_in.done():
            return self.async_show_progress(
                step_id="plex_link",
                progress_action="wait_for_plex",
                description_placeholders={"url": self._pin.url, "code": self._pin.code},
                progress_task=self._sign_in,
            )
        sign_in, self._sign_in = self._sign_in, None
        try:
            self._token = sign_in.result()
        except ProviderError as err:
            self._error = "sign_in_expired" if isinstance(err, PinExpiredError) else error_key(err)
            self._retry = self.async_step_plex_link
            return self.async_show_progress_done(next_step_id="plex_trouble")
        return self.async_show_progress_done(next_step_id="plex_signed_in")

    async def _async_wait_for_sign_in(self) -> str:
        """Ask plex.tv until it gives the token. A short outage of plex.tv is not the end of it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PIN_LIFE
        while loop.time() < end:
            try:
                if (token := await self._cloud.check_pin(self._pin)) is not None:
                    return token
            except UnreachableError, BadAnswerError:
                LOGGER.debug("No answer from plex.tv about the sign-in")
            await asyncio.sleep(POLL_EVERY)
        raise PinExpiredError("nobody signed in")

    async def async_step_plex_existing(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Use the account of a server that Home Assistant knows."""
        entries = self._core_entries()
        if user_input is None and len(entries) > 1:
            options = [
                SelectOptionDict(value=entry_id, label=entry.title) for entry_id, entry in entries.items()
            ]
            schema = vol.Schema({vol.Required(CONF_ENTRY): drop_down(options)})
            return self.async_show_form(step_id="plex_existing", data_schema=schema)
        entry = entries[user_input[CONF_ENTRY]] if user_input else next(iter(entries.values()))
        await self._async_open_cloud()
        self._token = entry.data[CORE_SERVER_CONFIG][CONF_TOKEN]
        self._wanted_server = entry.data[CORE_SERVER_ID]
        return await self.async_step_plex_signed_in()

    # --- user -----------------------------------------------------------------------------------

    async def async_step_plex_signed_in(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Find out who signed in, and who else is in the home."""
        try:
            self._signed_in = await self._cloud.user(self._token)
            home = await self._cloud.home_users(self._token) if self._signed_in.home else ()
        except AuthError:
            # the token of Home Assistant's own integration: only a sign-in helps
            return self._show_trouble("invalid_auth", self.async_step_plex_link)
        except ProviderError as err:
            return self._show_trouble(error_key(err), self.async_step_plex_signed_in)
        self._members = {str(member.id): member for member in home if member.id != self._signed_in.id}
        if (account := self._known_account) is not None:
            wanted = str(account.user_id)
            if wanted != str(self._signed_in.id) and wanted not in self._members:
                return self._show_trouble("wrong_account", self.async_step_plex_link)
            self._wanted_server = account.server.machine_id if account.server else None
            return await self._async_choose(wanted)
        if self._members:
            return await self.async_step_plex_user()
        return await self._async_choose(str(self._signed_in.id))

    async def async_step_plex_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose somebody in the home."""
        if user_input is not None:
            return await self._async_choose(user_input[CONF_USER])
        me = str(self._signed_in.id)
        names = {me: self._signed_in.name} | {
            user_id: member.name for user_id, member in self._members.items()
        }
        options = [SelectOptionDict(value=user_id, label=name) for user_id, name in names.items()]
        schema = vol.Schema({vol.Required(CONF_USER, default=me): drop_down(options)})
        return self.async_show_form(step_id="plex_user", data_schema=schema)

    async def _async_choose(self, user_id: str) -> ConfigFlowResult:
        """Become the user: at once, or after the user's PIN."""
        if user_id == str(self._signed_in.id):
            self._user, self._user_token = self._signed_in, self._token
            return await self.async_step_plex_server()
        self._member = self._members[user_id]
        if self._member.protected:
            return await self.async_step_plex_pin()
        try:
            await self._async_switch(None)
        except WrongPinError:  # protected since the list was read
            return await self.async_step_plex_pin()
        except ProviderError as err:
            return self._show_trouble(error_key(err), lambda: self._async_choose(user_id))
        return await self.async_step_plex_server()

    async def async_step_plex_pin(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the PIN of a protected user."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                await self._async_switch(user_input[CONF_PIN].strip())
                return await self.async_step_plex_server()
            except WrongPinError:
                errors[CONF_PIN] = "wrong_pin"
            except ProviderError as err:
                errors["base"] = error_key(err)
        return self.async_show_form(
            step_id="plex_pin",
            data_schema=PIN_SCHEMA,
            errors=errors,
            description_placeholders={"user": plain(self._member.name)},
        )

    @override
    async def _async_choose_again(self) -> ConfigFlowResult:
        """Let somebody else in: another user of the home, or another sign-in."""
        if self._members and self._known_entry is None:
            return await self.async_step_plex_user()
        return await self.async_step_plex_link()

    async def _async_switch(self, pin: str | None) -> None:
        self._user_token = await self._cloud.switch_user(self._token, self._member.id, pin)
        self._user = await self._cloud.user(self._user_token)

    # --- helpers --------------------------------------------------------------------------------

    async def _async_open_cloud(self) -> None:
        account = self._known_account
        self._client_id = account.client_id if account else await async_plex_client_id(self.hass)
        self._cloud = PlexCloud(async_get_clientsession(self.hass), plex_hosts(), self._client_id)

    @callback
    def _core_entries(self) -> Mapping[str, ConfigEntry]:
        """Plex servers set up in Home Assistant whose entry holds an account token, by entry id."""
        return {
            entry.entry_id: entry
            for entry in self.hass.config_entries.async_entries(CORE_PLEX, include_ignore=False)
            if entry.data.get(CORE_SERVER_ID) and entry.data.get(CORE_SERVER_CONFIG, {}).get(CONF_TOKEN)
        }
