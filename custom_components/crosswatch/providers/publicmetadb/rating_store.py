"""The ratings shadow: the only place that knows which ratings on the service are ours.

`publicmetadb_ratings.<pair-scope>.shadow.json`: `items` by key, an object each (`rating_records`). What
can't be read is kept as it is; a file that can't be read at all is never replaced.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

from ...sync.disk import DiskFault
from ...sync.provider import StateFileError
from .rating_records import Record
from .shadow import scope_name
from .storage import StateFile


class RatingStore:
    """The ratings of one pair. `user_id` is our own on the service, where its rows tell it."""

    def __init__(self, folder: Path, pair_id: str | None, account: str) -> None:
        """Nothing is read yet. `account` changes with the account, and with its key."""
        self._account = account
        scope = scope_name(pair_id)
        self._file = StateFile(
            folder / f"publicmetadb_ratings.{scope}.shadow.json",
            folder / f"publicmetadb_ratings.shadow.{scope}.json",
        )
        self._records: dict[str, Record] = {}
        self._rows: dict[str, Any] = {}
        """The records as the file has them: making 10,000 of them anew for every change takes too long."""
        self._kept: dict[str, Any] = {}
        """Entries of an older form that don't tell what they mean."""
        self.user_id: str | None = None
        self.name: str | None = None
        """Changes when the file was deleted: what is known then says nothing about what was known before."""
        self._on_disk = False
        self.refreshed_at: int | None = None
        """Epoch seconds of the last turn of looks."""
        self._changed = self._saved = 0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Take in the file, unless something here has not reached it. Raises `StateFileError`."""
        if self._changed != self._saved:
            return
        data = await self._file.read()
        if data is None:
            if self.name is None or self._on_disk:
                self.name = token_hex(8)
            data = {"items": {}, "name": self.name}
            self._on_disk = False
        else:
            self._on_disk = True
        if not isinstance(data, dict) or not isinstance(data.get("items"), dict):
            raise StateFileError(self._file.path.name, DiskFault.DAMAGED, "holds something else")
        # thousands of them are more than the event loop may wait for
        self._records, self._rows, self._kept = await asyncio.to_thread(_parsed, data["items"])
        if isinstance(account := data.get("account"), str) and account != self._account:
            self._records = {key: one for key, record in self._records.items() if (one := record.doubted())}
            self._rows = {key: record.as_json() for key, record in self._records.items()}
            self._changed += 1
            data = {**data, "user_id": None, "name": token_hex(8)}
        user_id, refreshed_at, name = data.get("user_id"), data.get("refreshed_at"), data.get("name")
        self.name = name if isinstance(name, str) else None
        self.user_id = user_id if isinstance(user_id, str) else None
        self.refreshed_at = refreshed_at if isinstance(refreshed_at, int) else None

    def __iter__(self) -> Iterator[Record]:
        """Return all ratings."""
        return iter(list(self._records.values()))

    def all(self) -> dict[str, Record]:
        """Return all ratings by key, as they are now."""
        return dict(self._records)

    def __len__(self) -> int:
        """Return how many ratings are known."""
        return len(self._records)

    def get(self, key: str) -> Record | None:
        """Return a rating."""
        return self._records.get(key)

    def put(self, record: Record) -> None:
        """Remember a rating; `save` keeps it."""
        if self._records.get(record.key) != record:
            self._records[record.key] = record
            self._rows[record.key] = record.as_json()
            self._changed += 1

    def drop(self, key: str) -> None:
        """Forget a rating; `save` makes it last."""
        if self._records.pop(key, None) is not None:
            del self._rows[key]
            self._changed += 1

    def touch(self, *, user_id: str | None = None, refreshed_at: int | None = None) -> None:
        """Remember what belongs to no single rating."""
        if user_id is not None and user_id != self.user_id:
            self.user_id = user_id
            self._changed += 1
        if refreshed_at is not None and refreshed_at != self.refreshed_at:
            self.refreshed_at = refreshed_at
            self._changed += 1

    async def save(self) -> None:
        """Return when everything is on disk; several at once share one write. Raises `StateFileError`."""
        wanted = self._changed
        async with self._lock:
            if self._saved >= wanted:
                return
            writing = self._changed
            content: dict[str, Any] = {"account": self._account, "items": self._kept | self._rows}
            if self.user_id is not None:
                content["user_id"] = self.user_id
            if self.refreshed_at is not None:
                content["refreshed_at"] = self.refreshed_at
            if self.name is not None:
                content["name"] = self.name
            await self._file.write(content)
            self._on_disk = True
            self._saved = writing


def _parsed(items: dict[str, Any]) -> tuple[dict[str, Record], dict[str, Any], dict[str, Any]]:
    """Return the records of a file, their rows, and what can't be read."""
    records: dict[str, Record] = {}
    rows: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for key, row in items.items():
        if (record := Record.from_json(key, row)) is None:
            kept[key] = row
        else:
            records[record.key] = record
            rows[record.key] = record.as_json()
    return records, rows, kept
