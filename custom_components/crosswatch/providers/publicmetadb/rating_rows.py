"""Looking at the ratings of one title, which are those of all users (API reference 3.5)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
import math
from typing import Any, Self

from ...sync.models import Item, Kind
from ...sync.provider import BadAnswerError, IncompleteReadError
from .client import PublicMetaDBClient
from .naming import body_of
from .paging import Page
from .rating_records import MOST
from .settings import MOST_PER_PAGE
from .wire import Row, moment, row_id, text

CLOCKS = 300
"""Seconds by which the service's clock may be wrong, or ours."""
MOST_PAGES = 200
"""Pages of one title: 100,000 users who rated it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRating:
    """A row: `score` 0 to 100, `created` epoch seconds, `mine` None where the row doesn't tell."""

    id: str
    score: float
    label: str
    created: int | None
    user_id: str | None
    is_owner: bool | None

    def mine(self, user_id: str | None) -> bool | None:
        """Whether the rating is ours, as far as the row tells; `user_id` is our own if known."""
        if self.is_owner is not None:
            return self.is_owner
        if user_id is None or self.user_id is None:
            return None
        return self.user_id == user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The rows of a title and label. A search that ended with the wanted row may have seen only some.

    `unread`: there are rows that say too little to be any of `rows`.
    """

    rows: tuple[RemoteRating, ...]
    unread: bool = False

    def of(self, label: str) -> Self:
        """Return the rows of a label alone."""
        return replace(self, rows=tuple(row for row in self.rows if same_label(row.label, label)))

    def without(self, ids: Collection[str]) -> Self:
        """Return the rows but for those with these ids."""
        return replace(self, rows=tuple(row for row in self.rows if row.id not in ids)) if ids else self

    def candidates(self, user_id: str | None) -> tuple[RemoteRating, ...]:
        """Return the rows that may be ours: ours, or anybody's."""
        return tuple(row for row in self.rows if row.mine(user_id) is not False)

    def only(self, user_id: str | None) -> RemoteRating | None:
        """Return the one row that may be ours. Proof that it is only if one of ours is there for certain."""
        found = self.candidates(user_id)
        return found[0] if len(found) == 1 and not self.unread else None

    def by_id(self, wanted: str | None) -> RemoteRating | None:
        """Return the row with this id."""
        return next((row for row in self.rows if row.id == wanted), None)

    def owned(self, user_id: str | None) -> RemoteRating | None:
        """Return the one row that says it is ours."""
        mine = [row for row in self.rows if row.mine(user_id)]
        return mine[0] if len(mine) == 1 else None

    def likely(self, scores: Collection[float], since: int, until: int) -> RemoteRating | None:
        """Return the one row that a write of these scores may have made between two moments, epoch seconds.

        No proof: somebody else may have given the same score at the same time. The service deletes nobody
        else's rating, so whether it is ours can be asked by deleting it.
        """
        found = [
            row
            for row in self.rows
            if row.score in scores
            and row.is_owner is not False
            and row.created is not None
            and since - CLOCKS <= row.created <= until + CLOCKS
        ]
        return found[0] if len(found) == 1 else None


def path_of(item: Item) -> str:
    """Return the collection that holds ratings of such items."""
    return "episode-ratings" if item.kind is Kind.EPISODE else "ratings"


def remote_rating(row: Row) -> RemoteRating | None:
    """Return what a row says; None for one without an id or a usable score, which can't be one of ours."""
    found_id = row_id(row)
    score = score_of(row)
    if found_id is None or score is None:
        return None
    is_owner = row.get("is_owner")
    return RemoteRating(
        id=found_id,
        score=score,
        label=text(row, "label") or "",
        created=created_at(row),
        user_id=text(row, "user_id"),
        is_owner=is_owner if isinstance(is_owner, bool) else None,
    )


def score_of(row: Row) -> float | None:
    """Return the score, also written as a text; None unless it is from 0 to 100."""
    value: Any = row.get("score")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        score = float(value)
    except ValueError:
        return None
    if not math.isfinite(score) or not 0 <= score <= MOST:
        return None
    return int(score) if score.is_integer() else score


def created_at(row: Row) -> int | None:
    """Return when the rating was given, epoch seconds; nothing but its age depends on it."""
    try:
        return moment(row.get("rated_at") or row.get("created") or row.get("created_at"))
    except BadAnswerError:
        return None


async def look(client: PublicMetaDBClient, item: Item, label: str | None, wanted: str | None = None) -> Found:
    """Return the ratings of a title: up to the wanted row, else all of them, or raise. `label` None: of any.

    Whether the service pages them isn't known (API reference, question 5). `IncompleteReadError` when
    rows are missing: then nothing may be concluded from a row that isn't there.
    """
    params = {**body_of(item), "perPage": MOST_PER_PAGE} | ({} if label is None else {"label": label})
    rows: dict[str, RemoteRating] = {}
    ids: set[str] = set()
    anonymous = 0
    first: Page[RemoteRating] | None = None
    for number in range(1, MOST_PAGES + 1):
        body = await client.page((path_of(item),), params | {"page": number})
        page = Page.from_body(body, remote_rating)
        if first is None:
            first = page
        elif page.ids == first.ids and page.ids:
            # not paged: the same answer whatever page is asked for
            break
        new = {one for one in page.ids if one is not None} - ids
        ids |= new
        anonymous += sum(one is None for one in page.ids)
        rows |= {one.id: one for one in page.rows if one is not None}
        if wanted in rows:
            return Found(rows=tuple(rows.values()))
        if _last(page, number, len(ids) + anonymous):
            break
    else:
        raise IncompleteReadError("too many ratings of one title")
    if first.total is not None and len(ids) + anonymous < first.total:
        raise IncompleteReadError(f"{len(ids) + anonymous} of {first.total} ratings")
    found = Found(rows=tuple(rows.values()), unread=len(rows) < len(ids) + anonymous)
    return found if label is None else found.of(label)


def _last(page: Page[RemoteRating], number: int, seen: int) -> bool:
    if not page.ids:
        return True
    if page.pages is not None:
        return number >= page.pages
    if page.total is not None:
        return seen >= page.total
    return page.size is not None and len(page.ids) < page.size


def same_label(found: str, label: str) -> bool:
    """Whether a row is of the label, whatever its case; a row that tells none is."""
    return not found or found.casefold() == label.casefold()
