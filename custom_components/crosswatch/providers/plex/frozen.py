"""Freeze files: items that can't be matched or written, kept from being tried again too often.

One file per feature, `plex_<feature>.unresolved.json`, an object by key (API reference 4.7). An entry says
why, since when, how often it was tried and when it is tried again. Each action and each pair has entries
of its own: a frozen addition never blocks a removal. Whoever deletes a file lets everything in it be tried
again, and so does a library that changed or an item whose ids did.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
import logging
from pathlib import Path
import time
from typing import Any, Final, Self

from ...sync.models import Action, Change, Feature, Ids, Item, Outcome, OutcomeStatus, Play
from ...sync.provider import StateFileError
from .marking import RESUMABLE
from .progress import PASSING
from .statefile import StateFile

LOGGER = logging.getLogger(__name__)

DAY: Final = 86_400
REST: Final = (DAY, 3 * DAY, 7 * DAY, 30 * DAY)
"""Seconds an item rests after its first, second, … failure."""
FORGOTTEN: Final = 90 * DAY
"""Seconds after which an entry that nobody asked for any more is dropped."""
LATEST: Final = 253_402_300_800
"""Epoch seconds of the year 10,000."""
SMALL: Final = 256 * 1024
NEVER: Final = RESUMABLE | PASSING
"""Reasons that the next look may find gone, whatever happens to the library."""
SAVE_EVERY: Final = 10.0
"""Seconds between two savings of a file larger than `SMALL` bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One entry. Times are epoch seconds UTC; `library` is what the library was like when it was tried."""

    feature: str
    action: str
    pair: str
    reason: str
    reasons: tuple[str, ...]
    attempts: int
    first_seen: int
    last_seen: int
    last_attempt: int
    retry_after: int
    library: str
    item: Mapping[str, Any]
    watched_at: int | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read an entry. Raises ValueError, TypeError or KeyError for anything else."""
        watched_at = data.get("watched_at")
        return cls(
            feature=str(data["feature"]),
            action=str(data["action"]),
            pair=str(data["pair"]),
            reason=str(data["reason"]),
            reasons=tuple(str(each) for each in data["reasons"]),
            attempts=int(data["attempts"]),
            first_seen=_epoch(data["first_seen"]),
            last_seen=_epoch(data["last_seen"]),
            last_attempt=_epoch(data["last_attempt"]),
            retry_after=_epoch(data["retry_after"]),
            library=str(data["library"]),
            item=dict(data["item"]),
            watched_at=None if watched_at is None else _epoch(watched_at),
        )

    def rests(self, library: str, now: int) -> bool:
        """Whether it is not to be tried yet at `now`, epoch seconds UTC, with the library like that."""
        if library and self.library and library != self.library:
            return False
        # a date beyond every rest is a clock gone wrong
        return now < self.retry_after <= now + REST[-1]

    def as_json(self) -> dict[str, Any]:
        """Return the entry for the file."""
        data = {
            "feature": self.feature,
            "action": self.action,
            "pair": self.pair,
            "reason": self.reason,
            "reasons": self.reasons,
            "attempts": self.attempts,
            "first_seen": _text(self.first_seen),
            "last_seen": _text(self.last_seen),
            "last_attempt": _text(self.last_attempt),
            "retry_after": _text(self.retry_after),
            "library": self.library,
            "item": self.item,
        }
        return data if self.watched_at is None else data | {"watched_at": _text(self.watched_at)}


class FreezeFile:
    """The frozen items of one feature. Without a folder they are kept in memory only."""

    def __init__(self, folder: Path | None, feature: Feature, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives epoch seconds UTC. Nothing is read or written yet."""
        self._file = None if folder is None else _file_of(folder, feature)
        self._clock = clock
        self._entries: dict[str, Frozen] = {}
        self._news: dict[str, Frozen | None] = {}
        """What is not in the file yet; None: to be taken out of it."""
        self._next_save = 0.0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Take in the file if somebody changed or deleted it since it was read or written last."""
        if self._file is None:
            return
        async with self._lock:
            if await asyncio.to_thread(self._file.changed):
                self._entries = await asyncio.to_thread(_read, self._file)
                self._news.clear()

    def reason(self, change: Change, pair: str, library: str) -> str | None:
        """Return why the change is not to be tried yet; None if it is due, or not frozen.

        `library` is empty where nobody has looked at it yet, or it does not matter.
        """
        key = file_key(change, pair)
        entry, now = self._entries.get(key), int(self._clock())
        if entry is None or not entry.rests(library, now):
            return None
        if entry.item.get("ids") != item_json(change.entry.item)["ids"]:
            return None
        if now - entry.last_seen >= DAY:
            self._set(key, replace(entry, last_seen=now))
        return entry.reason

    def note(self, outcome: Outcome, pair: str, library: str) -> None:
        """Freeze what can't be written, thaw what was. Other failures change nothing."""
        key, now = file_key(outcome.change, pair), int(self._clock())
        if outcome.status in (OutcomeStatus.APPLIED, OutcomeStatus.ALREADY):
            if key in self._entries:
                self._set(key, None)
            return
        if outcome.status is not OutcomeStatus.UNRESOLVED or outcome.reason in NEVER:
            return
        before = self._entries.get(key)
        attempts = 1 if before is None else before.attempts + 1
        reason, entry = outcome.reason or "unknown", outcome.change.entry
        frozen = Frozen(
            feature=outcome.change.feature,
            action=outcome.change.action,
            pair=pair,
            reason=reason,
            reasons=tuple(sorted({reason, *(() if before is None else before.reasons)})),
            attempts=attempts,
            first_seen=now if before is None else before.first_seen,
            last_seen=now,
            last_attempt=now,
            retry_after=now + REST[min(attempts, len(REST)) - 1],
            library=library,
            item=item_json(entry.item),
            watched_at=_date(entry.watched_at) if isinstance(entry, Play) else None,
        )
        self._set(key, frozen)

    def thawed(self, resting: Mapping[str, str], pair: str, library: str) -> frozenset[str]:
        """Return those of these keys of changes that may be tried, whatever is to be done about them.

        Those with a reason that is never frozen here are left alone.
        """
        now, known = int(self._clock()), self._entries

        def rests(key: str) -> bool:
            found = (known.get(_file_key(key, action, pair)) for action in Action)
            return any(entry is not None and entry.rests(library, now) for entry in found)

        # without a file nobody can take anything out of it
        if self._file is None:
            return frozenset()
        return frozenset(key for key, reason in resting.items() if reason not in NEVER and not rests(key))

    def thaw(self, pair: str, keys: Collection[str] | None) -> None:
        """Let a pair's changes with these keys be tried again, all of them without keys."""
        wanted = None if keys is None else {_file_key(key, action, pair) for key in keys for action in Action}
        for key, entry in list(self._entries.items()):
            if entry.pair == pair and (wanted is None or key in wanted):
                self._set(key, None)

    def _set(self, key: str, entry: Frozen | None) -> None:
        self._news[key] = entry
        _update(self._entries, {key: entry})

    async def save_if_due(self) -> None:
        """Save what changed, a large file not too often. Raises `StateFileError`."""
        if self._file is None or self._file.size <= SMALL or self._clock() >= self._next_save:
            await self.save()

    async def save_at_last(self) -> None:
        """Save when something has gone wrong already: that is what is to be heard of."""
        try:
            await self.save_if_due()
        except StateFileError:
            LOGGER.exception("Freeze file not saved")

    async def save(self) -> None:
        """Save what changed. Raises `StateFileError`."""
        async with self._lock:
            if self._file is None or not self._news:
                return
            news, self._news = self._news, {}
            try:
                # another account may have written its own entries meanwhile, or a user deleted the file
                self._entries = await asyncio.to_thread(
                    _write, self._file, self._entries, news, self._clock() - FORGOTTEN
                )
            except StateFileError:
                self._news = news | self._news
                raise
            _update(self._entries, self._news)
            self._next_save = self._clock() + SAVE_EVERY

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)


def forget_pair(folder: Path, pair: str) -> None:
    """Take the entries of a pair that is gone out of all files. Raises `StateFileError`; for a thread."""
    for feature in Feature:
        file = _file_of(folder, feature)
        entries = _read(file)
        others = {key: entry.as_json() for key, entry in entries.items() if entry.pair != pair}
        if len(others) < len(entries):
            file.write(others)


def _file_of(folder: Path, feature: Feature) -> StateFile:
    return StateFile(folder / f"plex_{feature}.unresolved.json")


def _read(file: StateFile) -> dict[str, Frozen]:
    try:
        data = file.read()
        return {} if data is None else {str(key): Frozen.from_json(each) for key, each in data.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as err:
        # the worst that follows is that everything in it is tried again
        LOGGER.warning("Freeze file %s can't be read (%s)", file.path.name, type(err).__name__)
        return {}


def _write(
    file: StateFile, known: Mapping[str, Frozen], news: Mapping[str, Frozen | None], oldest: float
) -> dict[str, Frozen]:
    entries = _read(file) if file.changed() else dict(known)
    _update(entries, news)
    entries = {key: each for key, each in entries.items() if each.last_seen >= oldest}
    file.write({key: each.as_json() for key, each in entries.items()})
    return entries


def _update(entries: dict[str, Frozen], news: Mapping[str, Frozen | None]) -> None:
    for key, entry in news.items():
        if entry is None:
            entries.pop(key, None)
        else:
            entries[key] = entry


def file_key(change: Change, pair: str) -> str:
    """Key of an entry: one for each action and pair."""
    return _file_key(change.key, change.action, pair)


def _file_key(key: str, action: Action, pair: str) -> str:
    return f"{key}|{action}|{pair}"


def item_json(item: Item) -> dict[str, Any]:
    """Return an item in the form of the file, ids of all levels included."""
    ids = _ids(item.ids) | {f"show_{name}": value for name, value in _ids(item.show_ids).items()}
    return {
        "type": str(item.kind),
        "title": _plain(item.title),
        "year": item.year,
        "ids": ids,
        "season": item.season,
        "episode": item.episode,
        "series_title": _plain(item.show_title),
    }


def _ids(ids: Ids) -> dict[str, str]:
    return dict(token.split(":", 1) for token in ids.tokens())


def _plain(text: str | None) -> str | None:
    """Return a text that can be stored: a service may have cut it in the middle of a character."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def _date(epoch: int | None) -> int | None:
    """Return a date that has a text."""
    return epoch if epoch is not None and 0 <= epoch < LATEST else None


def _text(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()


def _epoch(text: Any) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
