"""What the tests inside Home Assistant share: a simulated world, entries for it, a translation check."""

from collections.abc import Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
import json
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from homeassistant.components.repairs import RepairsFlowManager
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntriesFlowManager,
    ConfigFlowResult,
    OptionsFlowManager,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowHandler, FlowManager, FlowResultType, section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.account import (
    plex_unique_id,
    publicmetadb_settings,
    publicmetadb_unique_id,
)
from custom_components.crosswatch.const import DOMAIN, Trigger
from custom_components.crosswatch.providers.plex.account import PlexAccount, ServerAccess
from custom_components.crosswatch.providers.plex.auth import Connection
from custom_components.crosswatch.sync.held import HeldPlan
from custom_components.crosswatch.sync.report import RunReport
from tests.simulators.library import Ids
from tests.simulators.plex import OWNER, PlexCloud, PlexMediaServer
from tests.simulators.publicmetadb import PublicMetaDBSimulator

INTEGRATION = Path(__file__).parent.parent / "custom_components" / DOMAIN
ENGLISH: Mapping[str, Any] = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))

API_KEY = "pm-1f7c0a9e4b2d"
CLIENT_ID = "5d3a7c1e9b8f4a60"
EMAIL = "alex.private@example.org"
PIN = "4711"
PAIR_ID = "01KABCDEFGHJKMNPQRSTVWXYZ0"
HOSTILE = "K*i*m [free](https://example.org) <img src=x>"
"""A name that Markdown would make something else of; `HARMLESS` is shown as it is."""
HARMLESS = r"K\*i\*m \[free\]\(https\:\/\/example\.org\) \<img src\=x\>"


class Services:
    """Running simulators: Alex owns the server Attic, Kim (PIN) and Robin (no PIN) are in the same home.

    Alex' watchlist holds three movies, one of them without a TMDb id, and Alex has watched two movies.
    """

    def __init__(self) -> None:
        """Fill the simulators; they start with the context."""
        self.cloud = PlexCloud()
        self.pms = PlexMediaServer("Attic")
        self.pmdb = PublicMetaDBSimulator()
        self.user = self.pmdb.add_user(API_KEY, "pmdb-user")
        self.alex = self.cloud.add_user("Alex", email=EMAIL)
        self.cloud.add_server(self.pms, self.alex)
        self.kim = self.cloud.add_home_user(self.alex, "Kim", pin=PIN)
        self.robin = self.cloud.add_home_user(self.alex, "Robin", managed=True)
        for member in (self.kim, self.robin):
            self.cloud.share(self.pms, member)
        self._add_titles()
        self._stack = AsyncExitStack()

    def _add_titles(self) -> None:
        movies = self.pms.add_section("Movies", "movie")
        for number, title in enumerate(("Arrival at Dawn", "Borrowed Light", "Cinder Road"), 1):
            ids = Ids(tmdb=100 + number, imdb=f"tt000010{number}") if number < 3 else Ids(imdb="tt0000103")
            listed = self.cloud.add_movie(title, f"{number:024x}", ids, 2000 + number)
            self.cloud.watchlist_add(self.alex, listed.plex_key, at=1_790_000_000 + number)
            movie = self.pms.add_movie(
                movies, title, guid=f"plex://movie/{number:024x}", ids=ids, year=2000 + number
            )
            if number < 3:
                self.pms.play(OWNER, movie, at=1_791_000_000 + 3600 * number)

    async def __aenter__(self) -> Self:
        """Start all of them."""
        for simulator in (self.cloud, self.pms, self.pmdb):
            await self._stack.enter_async_context(simulator)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop all of them."""
        await self._stack.aclose()

    @property
    def token(self) -> str:
        """Alex' account token."""
        return self.cloud.token(self.alex)

    @property
    def server_token(self) -> str:
        """Alex' token for the server."""
        return self.cloud.server_token(self.alex, self.pms)

    @property
    def requests(self) -> int:
        """Requests that reached any simulator."""
        return len(self.cloud.log) + len(self.pms.log) + len(self.pmdb.log)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may show up in no log, no diagnostics and no error text."""
        hosts = [simulator.url.removeprefix("http://") for simulator in (self.pms, self.pmdb)]
        return (self.token, self.server_token, API_KEY, EMAIL, CLIENT_ID, *hosts)


def account_entries_of(services: Services) -> tuple[MockConfigEntry, MockConfigEntry]:
    """Return an account entry at Plex and one at PublicMetaDB, as the flow makes them."""
    server = ServerAccess(
        machine_id=services.pms.machine_identifier,
        name=services.pms.name,
        token=services.server_token,
        is_owner=True,
        connections=(Connection(uri=services.pms.url, local=True),),
        uri=services.pms.url,
    )
    account = PlexAccount(
        client_id=CLIENT_ID, token=services.token, user_id=services.alex.id, user_name="Alex", server=server
    )
    plex = MockConfigEntry(
        domain=DOMAIN,
        entry_id="01KPLEX0000000000000000000",
        unique_id=plex_unique_id(server.machine_id, account.user_id),
        title="Alex (Attic)",
        data={"kind": "account", "provider": "plex", "account": account.as_dict()},
    )
    key = {"api_key": API_KEY, "base_url": services.pmdb.url}
    publicmetadb = MockConfigEntry(
        domain=DOMAIN,
        entry_id="01KPMDB0000000000000000000",
        unique_id=publicmetadb_unique_id(publicmetadb_settings(key)),
        title="PublicMetaDB",
        data={"kind": "account", "provider": "publicmetadb", **key},
    )
    return plex, publicmetadb


def pair_entry_of(source: MockConfigEntry, target: MockConfigEntry, **options: Any) -> MockConfigEntry:
    """Return a one-way pair of two accounts."""
    first, second = sorted((str(source.unique_id), str(target.unique_id)))
    return MockConfigEntry(
        domain=DOMAIN,
        entry_id=PAIR_ID,
        unique_id=f"pair_{first}_{second}",
        title=f"{source.title} → {target.title}",
        data={
            "kind": "pair",
            "source": source.unique_id,
            "target": target.unique_id,
            "direction": "one_way",
        },
        options={"features": ["watchlist", "history"], "interval": 60, **options},
    )


# --- dialogs ------------------------------------------------------------------------------------


async def start(hass: HomeAssistant, *steps: str) -> ConfigFlowResult:
    """Open the dialog and walk through its menus."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    for step in steps:
        assert result["type"] is FlowResultType.MENU
        result = await submit(hass, result, next_step_id=step)
    return result


async def submit(hass: HomeAssistant, result: ConfigFlowResult, **user_input: Any) -> ConfigFlowResult:
    """Fill in the form that is shown."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], user_input)


# --- translations -------------------------------------------------------------------------------


@contextmanager
def translations_checked(missing: set[str]) -> Generator[None]:
    """Collect every key that a flow or an exception of the integration uses without an English text."""
    handle_step = FlowManager._async_handle_step
    make_error = HomeAssistantError.__init__

    async def checked_step(
        self: FlowManager[Any, Any, Any], flow: FlowHandler[Any, Any, Any], *args: Any, **kwargs: Any
    ) -> ConfigFlowResult:
        issue = None
        if isinstance(self, RepairsFlowManager) and flow.handler == DOMAIN:
            issue = ir.async_get(flow.hass).async_get_issue(DOMAIN, flow.context["issue_id"])
        result: ConfigFlowResult = await handle_step(self, flow, *args, **kwargs)
        if issue is not None:
            category = f"issues.{issue.translation_key}.fix_flow"
            missing.update(key for key in flow_keys(result, category) if english(key) is None)
        elif isinstance(self, ConfigEntriesFlowManager) and flow.handler == DOMAIN:
            missing.update(key for key in flow_keys(result, "config") if english(key) is None)
        elif isinstance(self, OptionsFlowManager):
            missing.update(key for key in flow_keys(result, "options") if english(key) is None)
        return result

    def checked_error(self: HomeAssistantError, *args: Any, **kwargs: Any) -> None:
        make_error(self, *args, **kwargs)
        if kwargs.get("translation_domain") == DOMAIN:
            key = f"exceptions.{kwargs['translation_key']}.message"
            text = english(key)
            try:
                used = text is not None and bool(
                    text.format(**(kwargs.get("translation_placeholders") or {}))
                )
            except KeyError:
                used = False
            if not used:
                missing.add(key)

    with (
        patch.object(FlowManager, "_async_handle_step", checked_step),
        patch.object(HomeAssistantError, "__init__", checked_error),
    ):
        yield


def flow_keys(result: ConfigFlowResult, category: str) -> Generator[str]:
    """Yield the translation keys that the frontend needs for a result."""
    step = f"{category}.step.{result.get('step_id')}"
    match result["type"]:
        case FlowResultType.FORM:
            yield f"{step}.title"
            if not (schema := result["data_schema"]) or not schema.schema:
                yield f"{step}.description"
            for field, what in schema.schema.items() if schema else ():
                if isinstance(what, section):
                    place, fields = f"{step}.sections.{field}", tuple(what.schema.schema)
                    yield f"{place}.name"
                else:
                    place, fields = step, (field,)
                for name in fields:
                    yield f"{place}.data.{name}"
                    yield f"{place}.data_description.{name}"
            for error in (result["errors"] or {}).values():
                yield f"{category}.error.{error}"
        case FlowResultType.MENU:
            yield f"{step}.title"
            options = result["menu_options"]
            assert isinstance(options, list)
            for option in options:
                yield f"{step}.menu_options.{option}"
                yield f"{step}.menu_option_descriptions.{option}"
        case FlowResultType.CREATE_ENTRY if description := result.get("description"):
            yield f"{category}.create_entry.{description}"
        case FlowResultType.SHOW_PROGRESS:
            yield f"{category}.progress.{result['progress_action']}"
        case FlowResultType.ABORT if result.get("translation_domain") in (None, DOMAIN):
            yield f"{category}.abort.{result['reason']}"


def english(key: str) -> str | None:
    """Return the English text of a dotted key."""
    place: Any = ENGLISH
    for name in key.split("."):
        place = place.get(name) if isinstance(place, Mapping) else None
    return place if isinstance(place, str) else None


def state_of(hass: HomeAssistant, key: str) -> str:
    """Return the state of a sensor of the pair."""
    state = hass.states.get(f"sensor.alex_attic_publicmetadb_{key}")
    assert state is not None
    return state.state


def device_of(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return the id of an entry's device."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return device.id


async def act(hass: HomeAssistant, action: str, *, respond: bool = False, **data: Any) -> Any:
    """Call an action of the integration."""
    answer = await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=respond)
    await hass.async_block_till_done()
    return answer


async def run_pair(hass: HomeAssistant, pair: MockConfigEntry) -> RunReport:
    """Run a pair and wait for what follows."""
    coordinator = pair.runtime_data
    report: RunReport = await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    await hass.async_block_till_done()
    return report


async def hold(hass: HomeAssistant, pair: MockConfigEntry, services: Services) -> HeldPlan:
    """Let a plan wait for approval: the history of the target is suddenly gone."""
    await run_pair(hass, pair)
    for play in services.user.watched():
        services.user.remove_watched(play.id)
    await run_pair(hass, pair)
    (plan,) = pair.runtime_data.data.held
    assert isinstance(plan, HeldPlan)
    return plan
