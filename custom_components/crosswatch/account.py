"""Account entries: from what is stored to a provider that the pairs share."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
import os
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID, uuid5

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import device_registry as dr, instance_id
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from .const import (
    CONF_ACCOUNT,
    CONF_BASE_URL,
    CONF_KIND,
    CONF_LISTS,
    CONF_PROVIDER,
    DOMAIN,
    LIMIT_NO_SERVER,
    MODEL_ACCOUNT,
    EntryKind,
    ProviderName,
)
from .errors import setup_error
from .listeners import Listeners
from .providers.plex.account import PlexAccount
from .providers.plex.hosts import PLEX_HOSTS, PlexHosts
from .providers.plex.provider import PlexProvider
from .providers.plex.settings import PlexSettings
from .providers.publicmetadb import (
    PublicMetaDBClient,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
    account_id,
)
from .providers.publicmetadb.lists import read_lists
from .shared import account_lock, plex_limits, publicmetadb_pacers, shared_state
from .sync.models import Feature, Scope, Side
from .sync.provider import Capability, Provider, ProviderError
from .sync.report import RunReport, RunStatus

PLEX_CLOUD: Final = "CROSSWATCH_PLEX_CLOUD"
"""Environment variable: base URL of a stand-in for Plex's cloud services, used by the tests."""


class Contact:
    """Whether an account answered when it was last asked for something that matters."""

    def __init__(self) -> None:
        """It has just proven that it works."""
        self.ok = True
        self.on_change: Listeners[()] = Listeners()

    @callback
    def async_note(self, *, ok: bool) -> None:
        """Take in how it went."""
        if ok is not self.ok:
            self.ok = ok
            self.on_change.async_tell()


@dataclass(frozen=True, slots=True)
class AccountRuntime:
    """A loaded account. A run holds the lock for as long as it reads or writes the account.

    `limits` are codes of what its user may not do; None for a service without such differences.
    """

    provider: Provider
    lock: asyncio.Lock
    limits: tuple[str, ...] | None
    contact: Contact = field(default_factory=Contact)


type AccountConfigEntry = ConfigEntry[AccountRuntime]


@runtime_checkable
class Limited(Protocol):
    """A provider that sends no more than so much in an hour."""

    def retry_at(self, scope: Scope) -> int | None:
        """Return from when what had to wait can be sent, epoch seconds; None when nothing waits."""


class Service(Protocol):
    """What the entries need to know about a service besides the provider contract."""

    name: str
    url: str

    def provider(self, hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]) -> Provider:
        """Return a provider for data and options of an entry. Nothing is sent yet.

        Raises ValueError for an option that can't be read.
        """

    async def check(
        self, hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[Provider, Mapping[str, Any]]:
        """Prove that the account works; return its provider and what was learned for the data.

        Raises a `ProviderError`.
        """


class PlexService:
    """Plex."""

    name = "Plex"
    url = "https://app.plex.tv"

    def provider(
        self, hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]
    ) -> PlexProvider:
        """Return a provider for the stored account."""
        return PlexProvider(
            async_get_clientsession(hass),
            plex_hosts(),
            PlexAccount.from_dict(data[CONF_ACCOUNT]),
            PlexSettings.from_options(options),
            state_dir=shared_state(hass).directory,
            limits=plex_limits(hass),
        )

    async def check(
        self, hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[PlexProvider, Mapping[str, Any]]:
        """Ask plex.tv and the media server, which may have moved meanwhile."""
        provider = self.provider(hass, data, options)
        return provider, {CONF_ACCOUNT: (await provider.check()).as_dict()}


class PublicMetaDBService:
    """PublicMetaDB."""

    name = "PublicMetaDB"
    url = "https://publicmetadb.com"

    def provider(
        self, hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]
    ) -> PublicMetaDBProvider:
        """Return a provider for the stored key. Whatever uses the key goes at its pace from now on."""
        return PublicMetaDBProvider(
            async_get_clientsession(hass),
            publicmetadb_settings(data, options),
            publicmetadb_pacers(hass),
            shared_state(hass).directory,
        )

    async def check(
        self, hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[PublicMetaDBProvider, Mapping[str, Any]]:
        """Verify the key, and remember the lists behind it."""
        provider = self.provider(hass, data, options)
        await provider.verify()
        lists = await read_lists(publicmetadb_client(hass, data, options))
        return provider, {CONF_LISTS: sorted(one.id for one in lists)}


SERVICES: Final[Mapping[ProviderName, Service]] = {
    ProviderName.PLEX: PlexService(),
    ProviderName.PUBLICMETADB: PublicMetaDBService(),
}


def plex_hosts() -> PlexHosts:
    """Return where Plex's cloud services are."""
    base = os.environ.get(PLEX_CLOUD)
    return PlexHosts.under(base) if base else PLEX_HOSTS


async def async_plex_client_id(hass: HomeAssistant) -> str:
    """Return the id under which Plex lists this installation among the user's devices: one for good."""
    return uuid5(UUID(await instance_id.async_get(hass)), DOMAIN).hex


def plex_unique_id(machine_id: str | None, user_id: int) -> str:
    """Return the unique id of a user on a media server, or without one."""
    return f"{ProviderName.PLEX}_{machine_id}_{user_id}" if machine_id else f"{ProviderName.PLEX}_{user_id}"


def publicmetadb_settings(
    data: Mapping[str, Any], options: Mapping[str, Any] = MappingProxyType({})
) -> PublicMetaDBSettings:
    """Return the settings of an account. Raises ValueError for what can't be read."""
    return PublicMetaDBSettings.from_options(
        {**options, CONF_API_KEY: data[CONF_API_KEY], CONF_BASE_URL: data[CONF_BASE_URL]}
    )


def publicmetadb_client(
    hass: HomeAssistant, data: Mapping[str, Any], options: Mapping[str, Any]
) -> PublicMetaDBClient:
    """Return a client that goes at the pace of the account."""
    return PublicMetaDBClient(
        async_get_clientsession(hass), publicmetadb_settings(data, options), publicmetadb_pacers(hass)
    )


def publicmetadb_unique_id(settings: PublicMetaDBSettings) -> str:
    """Return the unique id an account gets from its first key, and keeps when the key changes."""
    return f"{ProviderName.PUBLICMETADB}_{account_id(settings.base_url, settings.api_key)}"


@callback
def account_entries(hass: HomeAssistant) -> list[AccountConfigEntry]:
    """Return all account entries, loaded or not."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return [entry for entry in entries if entry.data.get(CONF_KIND) == EntryKind.ACCOUNT]


@callback
def account_entry(hass: HomeAssistant, unique_id: str) -> AccountConfigEntry | None:
    """Return the entry of an account, loaded or not; None when it was removed."""
    return hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)


@callback
def loaded_account(hass: HomeAssistant, unique_id: str) -> AccountConfigEntry | None:
    """Return the entry of an account that can be used now."""
    entry = account_entry(hass, unique_id)
    return entry if entry is not None and entry.state is ConfigEntryState.LOADED else None


@callback
def account_capabilities(hass: HomeAssistant, entry: AccountConfigEntry) -> Mapping[Feature, Capability]:
    """Return what an account can take part in, also while its service is down."""
    if entry.state is ConfigEntryState.LOADED:
        return entry.runtime_data.provider.capabilities
    # whatever the options say: they decide how, not what
    return SERVICES[ProviderName(entry.data[CONF_PROVIDER])].provider(hass, entry.data, {}).capabilities


def first_retry(providers: Iterable[Provider], scope: Scope) -> datetime | None:
    """Return when the first of them can send again what had to wait; None when nothing waits."""
    known = (provider.retry_at(scope) for provider in providers if isinstance(provider, Limited))
    moments = [moment for moment in known if moment is not None]
    return dt_util.utc_from_timestamp(min(moments)) if moments else None


@asynccontextmanager
async def both_locked(accounts: Iterable[AccountConfigEntry]) -> AsyncGenerator[None]:
    """Keep every other pair from the accounts, always in the same order: no two wait for each other."""
    async with AsyncExitStack() as stack:
        for account in sorted(accounts, key=lambda entry: entry.unique_id or ""):
            await stack.enter_async_context(account.runtime_data.lock)
        yield


@callback
def note_contact(accounts: Mapping[Side, AccountRuntime], report: RunReport) -> None:
    """Let the accounts of a run know whether they answered, as far as the run can tell."""
    silent = (RunStatus.UNREACHABLE, RunStatus.AUTH_FAILED)
    for side, account in accounts.items():
        told = [part.sides[side].status for part in report.features.values() if side in part.sides]
        if known := [status for status in told if status is not None]:
            account.contact.async_note(ok=not any(status in silent for status in known))


async def async_setup_account(hass: HomeAssistant, entry: AccountConfigEntry) -> None:
    """Prove that the account works, and make its provider available to the pairs."""
    service = SERVICES[ProviderName(entry.data[CONF_PROVIDER])]
    try:
        service.provider(hass, entry.data, entry.options)
    except ValueError as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="bad_options",
            translation_placeholders={"account": entry.title},
        ) from err
    try:
        provider, learned = await service.check(hass, entry.data, entry.options)
    except ProviderError as err:
        raise setup_error(err, entry.title) from err
    hass.config_entries.async_update_entry(entry, data={**entry.data, **learned})
    lock = account_lock(hass, entry.unique_id or entry.entry_id)
    entry.runtime_data = AccountRuntime(provider, lock, _limits(provider))
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        entry_type=dr.DeviceEntryType.SERVICE,
        manufacturer=service.name,
        model=MODEL_ACCOUNT,
        model_id=None,
        name=entry.title,
        configuration_url=service.url,
    )


def _limits(provider: Provider) -> tuple[str, ...] | None:
    if not isinstance(provider, PlexProvider):
        return None
    return provider.limits if provider.account.server else (LIMIT_NO_SERVER,)
