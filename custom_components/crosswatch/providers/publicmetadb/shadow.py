"""The shadow files: which row of the service belongs to which title. They serve removals only.

What the account holds is always read fresh; a shadow never stands for it. Names: adapter document,
"Local shadow and quota files". Shapes: API reference 8.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
import errno
from itertools import batched
import logging
from pathlib import Path
import re
import threading
from typing import Any, Self

import orjson

from ...sync.disk import fault_of
from ...sync.models import Feature
from ...sync.provider import StateFileError
from .storage import replace_file

LOGGER = logging.getLogger(__name__)

UNSCOPED = "unscoped"
LONGEST_SCOPE = 96
BYTES_PER_SECOND = 100_000
"""Average of what is written while results arrive: a file of 100,000 plays about once a minute."""
SMALL_FILE = 250_000
"""Bytes up to which every `apply` ends with everything saved."""

ITEMS_AT_ONCE = 2000

OLD_KEY = re.compile(r"tmdb:(?P<id>\d+)(#s(?P<season>\d+)e(?P<episode>\d+))?(?P<when>@.+)?")
NEW_KEY = re.compile(r"(movie|show|season|episode):")


def scope_name(pair_id: str | None) -> str:
    """Return the pair scope of a file name: letters, digits, `-_.`, at most 96 (API reference 8)."""
    if not pair_id or not pair_id.strip():
        return UNSCOPED
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in pair_id).strip("_ ")
    while "__" in plain:
        plain = plain.replace("__", "_")
    return plain[:LONGEST_SCOPE] or "default"


@dataclass(slots=True, kw_only=True)
class Shadow:
    """Row ids by key (`naming.py`); of a watchlist also the list they are rows of."""

    rows: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    """One id, or several: 100,000 tuples of one would be as many objects for the garbage collector."""
    list_id: str | None = None
    list_name: str | None = None
    """Name the list was chosen by, which may not be its own."""
    sent: dict[str, list[Any]] = field(default_factory=dict)
    """Of resume positions: what was sent last by key (`progress.Sent`)."""

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[tuple[str, str | None]], list_id: str | None = None, list_name: str | None = None
    ) -> Self:
        """Build the shadow of a complete read from keys and row ids."""
        shadow = cls(list_id=list_id, list_name=list_name)
        for key, row in pairs:
            if row is not None:
                shadow.add(key, row)
        return shadow

    @classmethod
    def from_json(cls, body: bytes, feature: Feature) -> Self:
        """Read a file of ours or of an older form. Raises ValueError for anything else."""
        data = _loads(body)
        if not isinstance(data, dict) or not isinstance(data.get("items"), dict):
            raise ValueError("not a shadow")  # noqa: TRY004 - one error for every unreadable file
        shadow = cls(list_id=_text(data.get("list_id")), list_name=_text(data.get("list_name")))
        for key, value in data["items"].items():
            found = tuple(
                row for row in (value if isinstance(value, list) else [value]) if isinstance(row, str) and row
            )
            if found and (current := current_key(key, feature)):
                shadow.rows[current] = found[0] if len(found) == 1 else found
        sent = data.get("sent")
        if isinstance(sent, dict):
            shadow.sent = {key: row for key, row in sent.items() if isinstance(row, list)}
        return shadow

    def as_json(self) -> bytes:
        """Return the file. In the order of reading: sorting 100,000 keys would hold up everything else."""
        data: dict[str, Any] = {"items": self.rows}
        if self.list_id is not None:
            data |= {"list_id": self.list_id, "list_name": self.list_name}
        if self.sent:
            data["sent"] = self.sent
        return orjson.dumps(data, option=orjson.OPT_INDENT_2)

    def of(self, key: str) -> tuple[str, ...]:
        """Return the rows of a key."""
        known = self.rows.get(key, ())
        return (known,) if isinstance(known, str) else known

    def all(self) -> frozenset[str]:
        """Return all rows."""
        return frozenset(row for key in self.rows for row in self.of(key))

    def add(self, key: str, row: str) -> None:
        """Remember a row."""
        if key not in self.rows:
            self.rows[key] = row
        elif row not in (known := self.of(key)):
            self.rows[key] = (*known, row)

    def forget(self, key: str, row: str) -> None:
        """Forget a row that is gone, or without one all rows of the key."""
        left = tuple(one for one in self.of(key) if row and one != row)
        if left:
            self.rows[key] = left[0] if len(left) == 1 else left
        else:
            self.rows.pop(key, None)


def current_key(key: str, feature: Feature) -> str | None:
    """Translate the key of an older form; None where it doesn't tell what it means.

    `tmdb:550` of a watchlist is a movie or a show (API reference W5): using it could remove the wrong
    one, so it is dropped and learned again by the next read. Elsewhere it is a movie.
    """
    if NEW_KEY.match(key):
        return key
    old = OLD_KEY.fullmatch(key)
    if old is None:
        return None
    when = old["when"] or ""
    if old["season"] is not None:
        return f"episode:tmdb:{old['id']}:s{int(old['season']):02d}e{int(old['episode']):02d}{when}"
    return f"movie:tmdb:{old['id']}{when}" if feature in (Feature.HISTORY, Feature.PROGRESS) else None


class ShadowFile:
    """One shadow on disk, and what has been learned since it was last written."""

    def __init__(self, folder: Path, feature: Feature, pair_id: str | None) -> None:
        """Nothing is read or written yet."""
        scope = scope_name(pair_id)
        self.path = folder / f"publicmetadb_{feature}.{scope}.shadow.json"
        self._older = folder / f"publicmetadb_{feature}.shadow.{scope}.json"
        self._feature = feature
        self._learned: list[tuple[bool, str, str]] = []
        self._sent: dict[str, list[Any] | None] = {}
        self._list: tuple[str, str] | None = None
        self._size = 0
        self._next_save = 0.0
        self._lock = asyncio.Lock()
        self._write_lock = threading.Lock()
        """Held in the thread that writes, which outlives whoever was cancelled while waiting for it."""

    async def load(self) -> Shadow:
        """Return what is on disk together with what has been learned since."""
        async with self._lock:
            return self._updated(await asyncio.to_thread(self._read), len(self._learned))

    def add(self, key: str, row: str) -> None:
        """Learn of a new row."""
        self._learned.append((True, key, row))

    def forget(self, key: str, row: str) -> None:
        """Learn that a row is gone."""
        self._learned.append((False, key, row))

    def forget_all(self, key: str) -> None:
        """Learn that none of the rows of a key is there any more."""
        self._learned.append((False, key, ""))

    def remember_sent(self, key: str, sent: list[Any] | None) -> None:
        """Learn what was sent for a key; None: forget it."""
        self._sent[key] = sent

    def use_list(self, list_id: str, name: str) -> None:
        """Learn which list the rows belong to."""
        self._list = (list_id, name)

    async def save_if_due(self) -> None:
        """Save what has been learned, not more often than the size of the file allows."""
        if self._pending and asyncio.get_running_loop().time() >= self._next_save:
            await self.save()

    async def save_if_small(self) -> None:
        """Save what has been learned unless the file is so large that it has to wait until it is due."""
        if self._size <= SMALL_FILE:
            await self.save()
        else:
            await self.save_if_due()

    async def save(self) -> None:
        """Save what has been learned. Raises `StateFileError`."""
        async with self._lock:
            if not self._pending:
                return
            count, chosen, sent = len(self._learned), self._list, dict(self._sent)
            shadow = self._updated(await asyncio.to_thread(self._read), count)
            await self._write(shadow)
            del self._learned[:count]
            for key in [key for key, row in sent.items() if self._sent.get(key) is row]:
                del self._sent[key]
            if self._list is chosen:
                self._list = None

    async def replace(self, shadow: Shadow) -> None:
        """Save what a complete read found, in place of everything known before. Raises `StateFileError`."""
        async with self._lock:
            self._learned.clear()
            self._sent.clear()
            self._list = None
            await self._write(shadow)

    @property
    def _pending(self) -> bool:
        return bool(self._learned or self._sent) or self._list is not None

    def _updated(self, shadow: Shadow, count: int) -> Shadow:
        if self._list is not None:
            if shadow.list_id != self._list[0]:
                shadow.rows.clear()
            shadow.list_id, shadow.list_name = self._list
        for added, key, row in self._learned[:count]:
            (shadow.add if added else shadow.forget)(key, row)
        for key, sent in self._sent.items():
            if sent is None:
                shadow.sent.pop(key, None)
            else:
                shadow.sent[key] = sent
        return shadow

    def _read(self) -> Shadow:
        for path in (self.path, self._older):
            try:
                return Shadow.from_json(path.read_bytes(), self._feature)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as err:
                # the next complete read writes it anew
                LOGGER.warning("Shadow file %s can't be read (%s)", path.name, type(err).__name__)
                break
        return Shadow()

    async def _write(self, shadow: Shadow) -> None:
        try:
            self._size = await asyncio.to_thread(self._write_file, shadow)
        except OSError as err:
            reason = errno.errorcode.get(err.errno or 0, "unknown")
            raise StateFileError(self.path.name, fault_of(err), f"can't be written ({reason})") from None
        self._next_save = asyncio.get_running_loop().time() + self._size / BYTES_PER_SECOND

    def _write_file(self, shadow: Shadow) -> int:
        body = shadow.as_json()
        with self._write_lock:
            self._replace_file(body)
        return len(body)

    def _replace_file(self, body: bytes) -> None:
        replace_file(self.path, body)
        if self._older.exists():
            # deleting our file must not bring back what the older one knew
            self._older.replace(self._older.with_name(f"{self._older.name}.migrated"))


def _loads(body: bytes) -> Any:
    """Parse a file. One of ours, a line for each item, is parsed some items at a time.

    The parser holds every other thread up while it works, the event loop among them.
    """
    lines = body.split(b"\n")
    if lines[:2] != [b"{", b'  "items": {']:
        return orjson.loads(body)
    end = next((n for n, line in enumerate(lines) if line in (b"  }", b"  },")), 2)
    items: dict[str, Any] = {}
    try:
        for part in batched(lines[2:end], ITEMS_AT_ONCE, strict=False):
            items |= orjson.loads(b"{%b}" % b"".join(part).removesuffix(b","))
        rest = orjson.loads(b'{"items": {%b' % b"".join(lines[end:]))
    except orjson.JSONDecodeError:
        # a key with several rows has several lines, which may have been parted
        return orjson.loads(body)
    return rest | {"items": items}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
