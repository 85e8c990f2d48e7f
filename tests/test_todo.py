"""The to-do list of a pair."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from homeassistant.components.todo import DOMAIN as TODO_DOMAIN, TodoServices
from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.crosswatch.todo import MOST_ITEMS
from tests.common import Services, run_pair
from tests.conftest import Clock

LIST = "todo.alex_attic_publicmetadb_unresolved"
PLAYS = "/api/external/watched*"


@pytest.fixture(autouse=True)
def only_lists() -> Generator[None]:
    """Set up no other platform."""
    with patch("custom_components.crosswatch.PAIR_PLATFORMS", [Platform.TODO]):
        yield


def count(hass: HomeAssistant) -> str:
    """Return how many items are on the list."""
    state = hass.states.get(LIST)
    assert state is not None
    return state.state


async def ask(hass: HomeAssistant, service: str, **data: Any) -> Any:
    """Call an action of to-do lists."""
    respond = service == TodoServices.GET_ITEMS
    answer = await hass.services.async_call(
        TODO_DOMAIN, service, {ATTR_ENTITY_ID: LIST, **data}, blocking=True, return_response=respond
    )
    await hass.async_block_till_done()
    return answer


async def items(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return what is on the list."""
    answer = await ask(hass, TodoServices.GET_ITEMS)
    found: list[dict[str, Any]] = answer[LIST]["items"]
    return found


async def test_entity(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_reasons_are_told_in_words(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    await run_pair(hass, loaded)
    assert count(hass) == "1"
    assert await items(hass) == snapshot


async def test_done_is_tried_again(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    services.pmdb.inject(PLAYS, method="POST", times=None, status=400, body="{}")
    await run_pair(hass, loaded)
    refused = [item for item in await items(hass) if item["description"].startswith("History")]
    assert [item["summary"] for item in refused] == ["Arrival at Dawn (2001)", "Borrowed Light (2002)"]
    assert refused[0]["description"] == "History: The service refused it (answer 400)."
    assert "due" in refused[0], "when it is tried again by itself"
    services.pmdb.heal()
    await ask(hass, TodoServices.UPDATE_ITEM, item=refused[0]["uid"], status="completed")
    await clock.pass_time(seconds=61)
    assert len(services.user.watched()) == 1
    assert count(hass) == "2"


async def test_deleted_is_ignored(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await run_pair(hass, loaded)
    (item,) = await items(hass)
    await ask(hass, TodoServices.REMOVE_ITEM, item=item["uid"])
    assert (count(hass), await items(hass)) == ("0", [])
    await run_pair(hass, loaded)
    assert count(hass) == "0"


async def test_nothing_else_can_be_changed(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    await run_pair(hass, loaded)
    before = await items(hass)
    await ask(hass, TodoServices.UPDATE_ITEM, item=before[0]["uid"], rename="Another title")
    assert await items(hass) == before
    # what is not there any more is solved
    entity = hass.data[TODO_DOMAIN].get_entity(LIST)
    await entity.async_delete_todo_items(["history/target/movie:tmdb:1"])
    assert await items(hass) == before


async def test_a_long_list_is_cut(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await run_pair(hass, loaded)
    data = loaded.runtime_data.data
    loaded.runtime_data.async_set_updated_data(replace(data, items=data.items * (MOST_ITEMS + 1)))
    await hass.async_block_till_done()
    assert count(hass) == str(MOST_ITEMS)
