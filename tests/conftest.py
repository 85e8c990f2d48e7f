"""Fixtures for the tests inside Home Assistant: simulated services, accounts and pairs."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import UTC, datetime, timedelta
import logging
import os
from pathlib import Path
import shutil
from typing import Any
from unittest.mock import patch

from aiohttp.abc import AbstractResolver, ResolveResult
import coverage
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components.crosswatch.account import PLEX_CLOUD
from custom_components.crosswatch.const import DOMAIN
from tests.common import Services, account_entries_of, pair_entry_of, translations_checked

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30:
    # state files are flushed at every step, and nobody pulls the plug here
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(autouse=True)
def chance_covers_nothing(request: pytest.FixtureRequest) -> Generator[None]:
    """Let only tests that do the same each time count for the coverage."""
    measuring = coverage.Coverage.current()
    if measuring is None or request.node.get_closest_marker("hypothesis") is None:
        yield
        return
    measuring.stop()
    yield
    measuring.start()


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load custom_components/, in the tests that have one."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


def only_with(needed: Callable[[pytest.FixtureRequest], object], name: str) -> Any:
    """Return a fixture of Home Assistant's own tests, which sets it up for all, for those that need it."""

    def fixture(request: pytest.FixtureRequest) -> None:
        if needed(request):
            request.getfixturevalue(name)

    return pytest.fixture(autouse=True, name=name)(fixture)


def has_core(request: pytest.FixtureRequest) -> bool:
    """Whether a test has a Home Assistant."""
    return "hass" in request.fixturenames


def has_loop(request: pytest.FixtureRequest) -> bool:
    """Whether a test runs in an event loop."""
    return request.node.get_closest_marker("asyncio") is not None


configure_event_loop = only_with(has_core, "configure_event_loop")
disable_http_server = only_with(has_core, "disable_http_server")
fail_on_log_exception = only_with(has_core, "fail_on_log_exception")
reset_globals = only_with(has_core, "reset_globals")
skip_stop_scripts = only_with(has_core, "skip_stop_scripts")
verify_cleanup = only_with(has_loop, "verify_cleanup")


@pytest.fixture
async def own_thread_only() -> None:
    """Let the loop complain when it is called from a thread that is not its own."""
    loop = asyncio.get_running_loop()

    def checked[**P, R](call: Callable[P, R]) -> Callable[P, R]:
        def check_and_call(*args: P.args, **more: P.kwargs) -> R:
            loop._check_thread()  # type: ignore[attr-defined]
            return call(*args, **more)

        return check_and_call

    loop.call_soon = checked(loop.call_soon)  # type: ignore[method-assign]
    loop.call_at = checked(loop.call_at)  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def enable_event_loop_debug(request: pytest.FixtureRequest) -> None:
    """Keep what the loop's debug mode finds in Home Assistant's own tests, without the mode.

    It notes the whole stack for every callback and future, which takes longer than the tests. When a
    test is in trouble PYTHONASYNCIODEBUG=1 gives that.
    """
    if has_core(request):
        request.getfixturevalue("own_thread_only")


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Return a folder of the test's own: state files must not outlive it."""
    return str(tmp_path)


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Use the serializer of Home Assistant: syrupy's own fixture wins over the plugin's."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Register entities that are disabled by default as enabled."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True):
        yield


@pytest.fixture(autouse=True)
def check_translations(request: pytest.FixtureRequest) -> Generator[None]:
    """Let a test fail that meets a text which is not translated."""
    if "hass" not in request.fixturenames:
        yield
        return
    missing: set[str] = set()
    with translations_checked(missing):
        yield
    assert not missing, f"Not in translations/en.json: {sorted(missing)}"


@pytest.fixture
def quick() -> Generator[None]:
    """Let nothing wait: neither between two attempts, nor for its turn, nor for a sign-in."""
    with (
        patch("custom_components.crosswatch.providers.http.LONGEST_BACKOFF", 0.01),
        patch("custom_components.crosswatch.providers.http.Pacer.wait"),
        patch("custom_components.crosswatch.providers.publicmetadb.client.SECOND_LOOK", 0.01),
        patch("custom_components.crosswatch.flows.plex.POLL_EVERY", 0.01),
    ):
        yield


class Clock:
    """A clock that can be put forward. The event loop keeps its own: real requests wait for real."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with the real time."""
        self._hass = hass
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return what time it is."""
        return datetime.now(UTC) + self._ahead

    async def pass_time(self, **delta: float) -> None:
        """Let time pass, and what it started come to its end."""
        self._ahead += timedelta(**delta)
        async_fire_time_changed(self._hass, self.now())
        await self._hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
def clock(hass: HomeAssistant) -> Generator[Clock]:
    """Return the clock by which the schedules go."""
    clock = Clock(hass)
    with patch("homeassistant.util.dt.utcnow", clock.now):
        yield clock


@pytest.fixture
def log_may_say() -> list[str]:
    """Return what warnings and errors may begin with; a test that expects one adds it."""
    return ["We found a custom integration crosswatch"]


@pytest.fixture(autouse=True)
def clean_log(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture, log_may_say: list[str]
) -> Generator[None]:
    """Let a test fail whose log warns of something unexpected, or holds a secret."""
    if "services" not in request.fixturenames:
        yield
        return
    services: Services = request.getfixturevalue("services")
    caplog.set_level(logging.DEBUG, "custom_components")
    secrets = services.secrets
    yield
    records = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    for record in records:
        if not record.name.startswith(("custom_components", "homeassistant")):
            continue
        text = f"{record.getMessage()} {record.exc_text or ''}"
        assert not [secret for secret in secrets if secret in text], text
        assert record.levelno < logging.WARNING or text.startswith(tuple(log_may_say)), text


class NoNames(AbstractResolver):
    """A resolver without internet: only addresses work."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """Fail, as without internet."""
        raise OSError(f"no address for {host}")

    async def close(self) -> None:
        """Nothing is open."""

    real_close = close


@pytest.fixture
async def services(
    hass: HomeAssistant, socket_enabled: None, quick: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Services]:
    """Return running simulators of Plex and PublicMetaDB, with people, titles and plays."""
    monkeypatch.setattr("homeassistant.helpers.aiohttp_client._async_make_resolver", lambda _hass: NoNames())
    async with Services() as running:
        monkeypatch.setenv(PLEX_CLOUD, running.cloud.url)
        yield running


@pytest.fixture
def no_setup() -> Generator[None]:
    """Leave entries alone that a dialog creates or changes: what they do is another test's business."""
    with (
        # not loaded: what is loaded has a provider
        patch("custom_components.crosswatch.async_setup_entry", return_value=False),
        patch("custom_components.crosswatch.async_unload_entry", return_value=True),
        patch("custom_components.crosswatch.async_remove_entry"),
    ):
        yield


@pytest.fixture
def accounts(hass: HomeAssistant, services: Services) -> tuple[MockConfigEntry, MockConfigEntry]:
    """Return an account at Plex and one at PublicMetaDB, not set up yet."""
    entries = account_entries_of(services)
    for entry in entries:
        entry.add_to_hass(hass)
    return entries


@pytest.fixture
def plex_entry(accounts: tuple[MockConfigEntry, MockConfigEntry]) -> MockConfigEntry:
    """Return the account at Plex."""
    return accounts[0]


@pytest.fixture
def publicmetadb_entry(accounts: tuple[MockConfigEntry, MockConfigEntry]) -> MockConfigEntry:
    """Return the account at PublicMetaDB."""
    return accounts[1]


@pytest.fixture
def watchlist_only(hass: HomeAssistant, plex_entry: MockConfigEntry) -> MockConfigEntry:
    """Return a Plex account without a media server."""
    account = {**plex_entry.data["account"], "server": None}
    entry = MockConfigEntry(
        domain=DOMAIN, unique_id="plex_4711", title="Robin", data={**plex_entry.data, "account": account}
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
def pair_entry(hass: HomeAssistant, accounts: tuple[MockConfigEntry, MockConfigEntry]) -> MockConfigEntry:
    """Return a pair from Plex to PublicMetaDB, not set up yet."""
    entry = pair_entry_of(*accounts)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def loaded(hass: HomeAssistant, pair_entry: MockConfigEntry) -> MockConfigEntry:
    """Return the pair, set up together with its accounts in a Home Assistant that has started."""
    assert await hass.config_entries.async_setup(pair_entry.entry_id)
    await hass.async_block_till_done()
    return pair_entry
