"""Options of a Plex account: every `plex.*` setting of the adapter document."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import SelectOptionDict

from ..account import plex_hosts
from ..const import CONF_ACCOUNT, OPTION_MARKED_WATCHED
from ..providers.plex.account import PlexAccount
from ..providers.plex.auth import PlexCloud
from ..providers.plex.library import read_sections
from ..providers.plex.link import ServerLink
from ..providers.plex.settings import BY_KEY, PlexSettings
from ..shared import plex_limits
from .choices import async_ask
from .settings import Groups, Setting, SettingsFlow, library_selector, selector_for

PLEX_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "history": (
        "history.libraries",
        OPTION_MARKED_WATCHED,
        "history_require_external_ids",
        "history_ignore_local_guid",
        "history_ignore_guid_prefixes",
    ),
    "ratings": ("ratings.libraries",),
    "watchlist": ("watchlist_allow_pms_fallback",),
    "tuning": ("watchlist_query_limit", "watchlist_write_delay_ms", "history_workers", "rating_workers"),
    "experimental": ("fallback_GUID",),
}
"""Documented names by section of the form, in their order: the first section is open."""
LIBRARIES: Final = ("history.libraries", "ratings.libraries")
DEFAULTS: Final = PlexSettings()


def plex_setting(key: str) -> Setting:
    """Return a setting of Plex as the provider defines it."""
    own = BY_KEY[key]
    default = _plain(getattr(DEFAULTS, own.name))
    return Setting(
        key=key,
        selector=selector_for(key, default, own.minimum, own.maximum),
        default=default,
        read=lambda value: _plain(own.read(key, value)),
        minimum=own.minimum,
        maximum=own.maximum,
    )


def _plain(value: Any) -> Any:
    """Return a value as it is stored as JSON."""
    if isinstance(value, frozenset):
        return sorted(value, key=lambda each: (len(each), each))
    return list(value) if isinstance(value, tuple) else value


async def async_libraries(hass: HomeAssistant, account: PlexAccount) -> list[SelectOptionDict]:
    """Return the movie and show libraries that the user may see on the server."""
    session = async_get_clientsession(hass)
    cloud = PlexCloud(session, plex_hosts(), account.client_id)
    link = ServerLink(session, cloud, account, parallel=1, limits=plex_limits(hass))
    sections, _ = await link.use(lambda client, _server: read_sections(client))
    return [SelectOptionDict(value=each.id, label=each.title or each.id) for each in sections]


class PlexOptionsFlow(SettingsFlow):
    """How an account reads from Plex and writes to it."""

    _libraries: Sequence[SelectOptionDict] | None = None
    """None: the server could not be asked."""

    @property
    def _account(self) -> PlexAccount:
        return PlexAccount.from_dict(self.config_entry.data[CONF_ACCOUNT])

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask the server for its libraries; without an answer, those that are stored can be kept."""
        account = self._account
        if account.server is None:
            return await self.async_step_plex_settings()
        self._libraries = await async_ask(async_libraries(self.hass, account))
        return await self.async_step_plex_settings()

    async def async_step_plex_settings(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the settings."""
        unknown = self._account.server is not None and self._libraries is None
        return await self._async_settings(
            "plex_settings", self._groups(), user_input, {"base": "libraries_unknown"} if unknown else None
        )

    def _groups(self) -> Groups:
        return {group: [self._setting(key) for key in keys] for group, keys in PLEX_GROUPS.items()}

    def _setting(self, key: str) -> Setting:
        setting = plex_setting(key)
        if key in LIBRARIES:
            stored = self.config_entry.options.get(key, [])
            return replace(setting, selector=library_selector(self._libraries or (), stored))
        server = self._account.server
        if key == OPTION_MARKED_WATCHED and (server is None or not server.is_owner):
            return setting.switched_off()
        return setting
