"""What is remembered of one rating, and how scores, labels and keys are translated.

The service can't list the ratings of a user (API reference 3.5), so what is remembered is the index:
ratings that were given elsewhere are not in it, and a rating that was changed or removed elsewhere is
noticed when its turn to be looked at comes, within a day.
"""

from dataclasses import dataclass, replace
import re
from typing import Any, Self

from ...sync.models import NO_IDS, Ids, Item, Kind, Rating
from .naming import item_key

USUAL_LABEL = "Overall"
"""Label of a rating that carries none of its own (adapter document, "Ratings behavior")."""
LEAST, MOST = 10, 100
"""Scores of 1/10 and 10/10: `Rating.tenths` and the service's score are the same number."""
TEN = 10

KEY = re.compile(
    r"(?P<kind>movie|show|episode):tmdb:(?P<tmdb>\d+)(:s(?P<season>\d+)e(?P<episode>\d+))?#rating:(?P<label>.*)",
    re.DOTALL,
)
OLD_KEY = re.compile(r"tmdb:(?P<tmdb>\d+)(#s(?P<season>\d+)e(?P<episode>\d+))?#rating:.*", re.DOTALL)
"""Without the kind (API reference W5)."""


def rating_key(item: Item, label: str) -> str:
    """Return the key of a rating: two labels are two ratings, whatever their case (API reference 5.3)."""
    return f"{item_key(item)}#rating:{label.strip().casefold()}"


def sent_label(label: str, usual: str) -> str:
    """Return the service's label for a rating; `usual` is the label that is set up for the pair."""
    return usual if label.strip().casefold() == USUAL_LABEL.casefold() else label.strip()


def whole_tens(tenths: float) -> int:
    """Return the score of the nearest whole rating, halves to the even one (API reference 5.3)."""
    return min(max(round(tenths / TEN) * TEN, LEAST), MOST)


def tenths_of(score: float) -> int:
    """Return ten times the 1-10 value of a score from 0 to 100."""
    return min(max(round(score), LEAST), MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A write that has begun and that no look has confirmed yet.

    `old` is the score that was there before (None: a new rating), `old_id` its row. `posted` are the
    scores that may have reached the service since `at` (epoch seconds). `done`: the service answered
    that it was written. `reads` counts the reads that left it to the next plan.
    """

    at: int
    posted: tuple[float, ...]
    old: float | None = None
    old_id: str | None = None
    done: bool = False
    reads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A rating as it is known. Scores are 0 to 100, moments epoch seconds.

    Without `id` it is ours, but which row it is can't be told; `maybe` is the row that it probably is, which
    only deleting it can prove; `foreign` are rows that are not, says the service. Without a `score` it isn't
    known to be there. `sent` is what was asked for where the
    service only holds a rounding of it. `checked_at` is when it was last looked at (0: never),
    `missed_at` when it was first not found. `removed`: the service answered that it was removed, no look
    has confirmed it. `given` is the label it has for the engine.
    """

    item: Item
    label: str
    id: str | None = None
    maybe: str | None = None
    foreign: tuple[str, ...] = ()
    score: float | None = None
    sent: int | None = None
    rated_at: int | None = None
    checked_at: int = 0
    missed_at: int | None = None
    removed: bool = False
    given: str = USUAL_LABEL
    pending: Pending | None = None

    @property
    def key(self) -> str:
        """Key of the rating."""
        return rating_key(self.item, self.label)

    @property
    def held(self) -> float | None:
        """Score the service certainly held when it was last seen: the old one until a new one was seen."""
        if self.removed:
            return None
        return self.score if self.pending is None else self.pending.old

    def doubted(self) -> Self | None:
        """Return the record for another account or key than the one that gave it; None: nothing is left.

        It isn't known to be there. Giving it again tells: the service refuses a second one.
        """
        held = self.held
        posted = (held,) if held is not None else self.pending.posted if self.pending is not None else ()
        if not posted:
            return None
        return replace(
            self,
            id=None,
            maybe=None,
            foreign=(),
            sent=None,
            missed_at=None,
            pending=Pending(at=self.rated_at or 0, posted=posted, old_id=self.id),
        )

    def disowned(self, row_id: str) -> Self:
        """Return the record after the service said that a row taken for ours is somebody else's.

        Its score is not ours either. A write of ours that replaced another row is still to be finished.
        """
        pending = self.pending
        return replace(
            self,
            id=None,
            maybe=None,
            foreign=tuple(dict.fromkeys((*self.foreign, row_id))),
            score=None,
            sent=None,
            rated_at=None,
            missed_at=None,
            pending=None if pending is None or pending.old_id == row_id else pending,
        )

    def as_rating(self, usual: str) -> Rating | None:
        """Return the rating for a snapshot; None for one that isn't known to be there.

        Nor is one that was given while another label was set up for the pair: it is another rating.
        """
        if (held := self.held) is None or sent_label(self.given, usual).casefold() != self.label.casefold():
            return None
        tenths = tenths_of(held)
        if self.pending is None and self.sent is not None and held in (self.sent, whole_tens(self.sent)):
            # the service's rounding of what was sent is no change
            tenths = self.sent
        return Rating(
            item=self.item, tenths=tenths, label=self.given, rated_at=self.rated_at, remote_id=self.id
        )

    def as_json(self) -> dict[str, Any]:
        """Return what the file keeps; the key tells the item."""
        row: dict[str, Any] = {
            "id": self.id,
            "maybe": self.maybe,
            "foreign": list(self.foreign) or None,
            "label": self.label,
            "given": None if self.given == USUAL_LABEL else self.given,
            "score": self.score,
            "sent": self.sent,
            "rated_at": self.rated_at,
            "checked_at": self.checked_at or None,
            "missed_at": self.missed_at,
            "removed": self.removed or None,
            "title": self.item.title,
            "year": self.item.year,
            "show_title": self.item.show_title,
        }
        if (pending := self.pending) is not None:
            row["pending"] = {
                "at": pending.at,
                "posted": list(pending.posted),
                "old": pending.old,
                "old_id": pending.old_id,
                "done": pending.done,
                "reads": pending.reads,
            }
        return {name: value for name, value in row.items() if value is not None}

    @classmethod
    def from_json(cls, key: str, row: Any) -> Self | None:
        """Read what a file keeps of a rating, in our form or an older one; None for anything else.

        An older key doesn't tell a movie from a show: there the row has to.
        """
        if isinstance(row, str):
            row = {"id": row}
        if not isinstance(row, dict):
            return None
        inner = row["item"] if isinstance(row.get("item"), dict) else {}
        item = _item(key, row | inner if inner else row)
        label = _text(row.get("label")) or _label(key)
        if item is None or label is None:
            return None
        score = _number(row.get("score"))
        if score is None and (rating := _number(inner.get("rating"))) is not None and 1 <= rating <= TEN:
            score = rating * TEN
        listed = row.get("foreign")
        foreign = tuple(one for one in (listed if isinstance(listed, list) else ()) if _text(one))
        known = _text(row.get("id")) is not None or score is not None or bool(foreign)
        if not known and not isinstance(row.get("pending"), dict):
            return None
        return cls(
            item=item,
            label=label,
            id=_text(row.get("id")),
            maybe=_text(row.get("maybe")),
            foreign=foreign,
            score=score,
            sent=_whole(row.get("sent")),
            rated_at=_whole(row.get("rated_at")),
            checked_at=_whole(row.get("checked_at")) or 0,
            missed_at=_whole(row.get("missed_at")),
            removed=row.get("removed") is True,
            given=_text(row.get("given")) or USUAL_LABEL,
            pending=_pending(row.get("pending")),
        )


def _item(key: str, row: dict[str, Any]) -> Item | None:
    found = KEY.fullmatch(key)
    kind = found["kind"] if found else None
    if found is None:
        if (found := OLD_KEY.fullmatch(key)) is None:
            return None
        kind = "episode" if found["season"] is not None else row.get("type")
    title, show_title = _text(row.get("title")), _text(row.get("show_title"))
    year = _whole(row.get("year"))
    if kind == "episode" and found["season"] is not None:
        return Item(
            kind=Kind.EPISODE,
            ids=NO_IDS,
            show_ids=Ids(tmdb=int(found["tmdb"])),
            season=int(found["season"]),
            episode=int(found["episode"]),
            year=year,
            title=title,
            show_title=show_title,
        )
    if kind not in ("movie", "show") or found["season"] is not None:
        return None
    return Item(kind=Kind(kind), ids=Ids(tmdb=int(found["tmdb"])), year=year, title=title)


def _label(key: str) -> str | None:
    """Return the label of a key, which has lost its case, where it can be told."""
    if KEY.fullmatch(key) is None:
        return None
    label = key.partition("#rating:")[2]
    return USUAL_LABEL if label == USUAL_LABEL.casefold() else label


def _pending(row: Any) -> Pending | None:
    if not isinstance(row, dict):
        return None
    posted = row.get("posted")
    return Pending(
        at=_whole(row.get("at")) or 0,
        posted=tuple(
            score
            for one in (posted if isinstance(posted, list) else ())
            if (score := _number(one)) is not None
        ),
        old=_number(row.get("old")),
        old_id=_text(row.get("old_id")),
        done=row.get("done") is True,
        reads=_whole(row.get("reads")) or 0,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
