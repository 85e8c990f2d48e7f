"""A to-do list of what a pair can't sync: done is to be tried again, deleted is to be ignored."""

from typing import Final, override

from homeassistant.components.todo import TodoItem, TodoItemStatus, TodoListEntity, TodoListEntityFeature
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PairConfigEntry, PairCoordinator
from .entity import PairEntity
from .models import PairState
from .sync.unresolved import UnresolvedRow
from .texts import Texts, own_texts

PARALLEL_UPDATES = 1

MOST_ITEMS: Final = 500
"""Items on the list: nobody works through more, and all of them are sent at every change."""

UNRESOLVED: Final = EntityDescription(key="unresolved")


async def async_setup_entry(
    hass: HomeAssistant, entry: PairConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the list of a pair."""
    async_add_entities([UnresolvedList(entry.runtime_data, own_texts(hass))])


def uid(row: UnresolvedRow) -> str:
    """Return what an item is known by on the list."""
    return f"{row.feature}/{row.side}/{row.key}"


class UnresolvedList(PairEntity, TodoListEntity):
    """What can't be synced and nobody ignores."""

    _attr_supported_features = (
        TodoListEntityFeature.UPDATE_TODO_ITEM
        | TodoListEntityFeature.DELETE_TODO_ITEM
        | TodoListEntityFeature.SET_DUE_DATETIME_ON_ITEM
        | TodoListEntityFeature.SET_DESCRIPTION_ON_ITEM
    )

    def __init__(self, coordinator: PairCoordinator, texts: Texts) -> None:
        """Tell reasons in the language of Home Assistant."""
        super().__init__(coordinator, UNRESOLVED)
        self._texts = texts
        self._shown: PairState | None = None
        self._list()

    def _list(self) -> None:
        """Make the list anew, if what it is made of has changed."""
        if self.coordinator.data is self._shown:
            return
        self._shown = self.coordinator.data
        open_rows = [row for row in self._shown.items if not row.ignored]
        self._attr_todo_items = [self._item(row) for row in open_rows[:MOST_ITEMS]]

    def _item(self, row: UnresolvedRow) -> TodoItem:
        return TodoItem(
            summary=row.name,
            uid=uid(row),
            status=TodoItemStatus.NEEDS_ACTION,
            due=None if row.retry_at is None else dt_util.utc_from_timestamp(row.retry_at),
            description=f"{self._texts.feature(row.feature)}: {self._texts.reason(row.reason)}",
        )

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._list()
        super()._handle_coordinator_update()

    def _row(self, wanted: str | None) -> UnresolvedRow | None:
        return next((row for row in self.coordinator.data.items if uid(row) == wanted), None)

    @override
    async def async_update_todo_item(self, item: TodoItem) -> None:
        """Let an item be tried again that was ticked off. Nothing else of an item can be changed."""
        if item.status == TodoItemStatus.COMPLETED and (row := self._row(item.uid)) is not None:
            await self.coordinator.memory.async_retry([row.key])

    @override
    async def async_delete_todo_items(self, uids: list[str]) -> None:
        """Ignore items."""
        for each in uids:
            if (row := self._row(each)) is not None:
                await self.coordinator.memory.async_ignore(row.feature, row.side, row.key)
