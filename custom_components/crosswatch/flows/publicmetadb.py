"""A PublicMetaDB account: an API key and an address."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_API_KEY
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
import voluptuous as vol
from yarl import URL

from ..account import PublicMetaDBService, account_entries, publicmetadb_settings, publicmetadb_unique_id
from ..const import CONF_BASE_URL, CONF_KIND, CONF_LISTS, CONF_PROVIDER, EntryKind, ProviderName
from ..errors import error_key
from ..providers.publicmetadb import DEFAULT_BASE_URL
from ..sync.provider import AuthError, ProviderError
from ..texts import plain

KEY_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
URL_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
NAME = "PublicMetaDB"


class PublicMetaDBSteps(ConfigFlow):
    """Steps of a PublicMetaDB account."""

    _checked: Mapping[str, Any]
    """Data of an account that was found to work."""

    async def async_step_publicmetadb(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a key and an address."""
        errors: dict[str, str] = {}
        if user_input is not None and not (errors := await self._async_check_key(user_input, None)):
            unique_id = publicmetadb_unique_id(publicmetadb_settings(self._checked))
            await self.async_set_unique_id(unique_id, raise_on_progress=False)
            return self.async_create_entry(
                title=self._free_title(),
                data={
                    CONF_KIND: EntryKind.ACCOUNT,
                    CONF_PROVIDER: ProviderName.PUBLICMETADB,
                    **self._checked,
                },
            )
        schema = vol.Schema(
            {vol.Required(CONF_API_KEY): KEY_SELECTOR, vol.Required(CONF_BASE_URL): URL_SELECTOR}
        )
        return self.async_show_form(
            step_id="publicmetadb",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or {CONF_BASE_URL: DEFAULT_BASE_URL}
            ),
            errors=errors,
        )

    async def async_step_publicmetadb_key(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Replace a key that the service refuses."""
        schema = vol.Schema({vol.Required(CONF_API_KEY): KEY_SELECTOR})
        return await self._async_change("publicmetadb_key", self._get_reauth_entry(), schema, user_input)

    async def async_step_publicmetadb_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the address, the key, or both."""
        schema = vol.Schema(
            {vol.Optional(CONF_API_KEY): KEY_SELECTOR, vol.Required(CONF_BASE_URL): URL_SELECTOR}
        )
        if user_input is not None and not user_input.get(CONF_API_KEY, "").strip():
            user_input = {CONF_BASE_URL: user_input[CONF_BASE_URL]}
        entry = self._get_reconfigure_entry()
        return await self._async_change("publicmetadb_reconfigure", entry, schema, user_input)

    async def _async_change(
        self, step_id: str, entry: ConfigEntry, schema: vol.Schema, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Show the form until its input works, then change the account.

        The service has no "who am I". A new key is taken for the same person's when it leads to one of the
        lists known from the old one, or when no list was known; otherwise a person has to say so.
        """
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {key: entry.data[key] for key in (CONF_API_KEY, CONF_BASE_URL)} | user_input
            if not (errors := await self._async_check_key(data, entry)):
                known = set(entry.data.get(CONF_LISTS, ()))
                if known and known.isdisjoint(self._checked[CONF_LISTS]):
                    return await self.async_step_publicmetadb_other()
                return self.async_update_reload_and_abort(entry, data_updates=self._checked)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or {CONF_BASE_URL: entry.data[CONF_BASE_URL]}
            ),
            errors=errors,
            description_placeholders={"account": plain(entry.title)},
        )

    async def async_step_publicmetadb_other(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether a key that leads to other lists really belongs to the same person."""
        entry = self._get_reauth_entry() if self.source == SOURCE_REAUTH else self._get_reconfigure_entry()
        if user_input is not None:
            return self.async_update_reload_and_abort(entry, data_updates=self._checked)
        return self.async_show_form(
            step_id="publicmetadb_other", description_placeholders={"account": plain(entry.title)}
        )

    async def _async_check_key(self, data: Mapping[str, Any], own: ConfigEntry | None) -> dict[str, str]:
        """Read the input and ask the service; return what is wrong with it."""
        data = {key: data[key].strip() for key in (CONF_API_KEY, CONF_BASE_URL)}
        if errors := input_errors(data):
            return errors
        settings = publicmetadb_settings(data)
        data = {CONF_API_KEY: settings.api_key, CONF_BASE_URL: settings.base_url}
        if self._account_exists(publicmetadb_unique_id(settings), data, own):
            return {"base": "already_configured"}
        try:
            # the pace of an account is that of its options, also while its key is changed
            _provider, learned = await PublicMetaDBService().check(
                self.hass, data, own.options if own else {}
            )
        except AuthError:
            return {"base": "invalid_key"}
        except ProviderError as err:
            return {"base": error_key(err)}
        self._checked = {**data, **learned}
        return {}

    @callback
    def _account_exists(self, unique_id: str, data: Mapping[str, Any], own: ConfigEntry | None) -> bool:
        """Whether another entry has this account, also when that got its present key later."""
        return any(
            entry is not own and (entry.unique_id == unique_id or data.items() <= entry.data.items())
            for entry in account_entries(self.hass)
        )

    @callback
    def _free_title(self) -> str:
        """Return a name no other account has."""
        taken = {entry.title for entry in account_entries(self.hass)}
        names = (NAME if number == 1 else f"{NAME} {number}" for number in count(1))
        return next(name for name in names if name not in taken)


def input_errors(data: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with a key and an address before anybody is asked, by field."""
    errors: dict[str, str] = {}
    if not data[CONF_API_KEY]:
        errors[CONF_API_KEY] = "api_key_required"
    try:
        url = URL(data[CONF_BASE_URL])
        if url.user or url.password:
            errors[CONF_BASE_URL] = "url_with_credentials"
        elif not url.host:
            errors[CONF_BASE_URL] = "invalid_url"
        else:
            publicmetadb_settings(data)
    except ValueError:
        errors[CONF_BASE_URL] = "invalid_url"
    return errors
