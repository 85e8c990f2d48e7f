"""Options of a PublicMetaDB account: every `publicmetadb.*` setting of the adapter document."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import SelectOptionDict

from ..account import AccountConfigEntry, publicmetadb_client
from ..providers.publicmetadb import PublicMetaDBSettings
from ..providers.publicmetadb.lists import read_lists
from .choices import async_ask
from .settings import Groups, Setting, SettingsFlow, list_selector, selector_for

PUBLICMETADB_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "watchlist": ("watchlist_name", "watchlist_list_id", "watchlist_auto_create", "watchlist_page_size"),
    "history": ("history_per_page", "history_max_pages", "progress_per_page", "progress_max_pages"),
    "ratings": ("ratings_label", "ratings_submit_per_hour", "ratings_update_per_hour"),
    "pace": ("rate_limit.get_per_sec", "rate_limit.post_per_sec", "timeout", "max_retries"),
}
"""Documented names by section of the form, in their order."""
LIST_ID: Final = "watchlist_list_id"
DEFAULTS: Final = PublicMetaDBSettings()
BEYOND: Final = 1_000_000_000
"""More than any setting may be."""


def publicmetadb_setting(key: str) -> Setting:
    """Return a setting of PublicMetaDB as the provider defines it."""
    default = getattr(DEFAULTS, _field(key))
    number = isinstance(default, int | float) and not isinstance(default, bool)
    minimum, maximum = _limits(key) if number else (None, None)
    return Setting(
        key=key,
        selector=selector_for(key, default, minimum, maximum),
        default=default,
        read=lambda value: _read(key, value),
        minimum=minimum,
        maximum=maximum,
    )


def _field(key: str) -> str:
    return key.rpartition(".")[2]


def _read(key: str, value: Any) -> Any:
    """Return what is stored for a value. The provider moves numbers into their range; here that is wrong."""
    read = getattr(PublicMetaDBSettings.from_options({key: value}), _field(key))
    if isinstance(value, int | float) and read != value:
        raise ValueError(f"{key}: out of range")
    return read


def _limits(key: str) -> tuple[float | None, float | None]:
    """Return the ends of the range, which the provider tells by moving into it what is beyond."""
    most = getattr(PublicMetaDBSettings.from_options({key: BEYOND}), _field(key))
    return next((least for least in (0, 1) if _fits(key, least)), None), None if most == BEYOND else most


def _fits(key: str, value: float) -> bool:
    try:
        _read(key, value)
    except ValueError:
        return False
    return True


async def async_lists(hass: HomeAssistant, entry: AccountConfigEntry) -> list[SelectOptionDict]:
    """Return the lists of the account."""
    lists = await read_lists(publicmetadb_client(hass, entry.data, {}))
    return [SelectOptionDict(value=each.id, label=each.name or each.id) for each in lists]


class PublicMetaDBOptionsFlow(SettingsFlow):
    """How an account reads from PublicMetaDB and writes to it."""

    _lists: Sequence[SelectOptionDict] | None = None
    """None: the service could not be asked."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask the service for the lists; without an answer, the one that is stored can be kept."""
        self._lists = await async_ask(async_lists(self.hass, self.config_entry))
        return await self.async_step_publicmetadb_settings()

    async def async_step_publicmetadb_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the settings."""
        return await self._async_settings(
            "publicmetadb_settings",
            self._groups(),
            user_input,
            {"base": "lists_unknown"} if self._lists is None else None,
        )

    def _groups(self) -> Groups:
        return {group: [self._setting(key) for key in keys] for group, keys in PUBLICMETADB_GROUPS.items()}

    def _setting(self, key: str) -> Setting:
        setting = publicmetadb_setting(key)
        if key != LIST_ID:
            return setting
        stored = self.config_entry.options.get(key, "")
        return replace(setting, selector=list_selector(self._lists or (), stored))
