"""Misbehaviour on demand: answers that look fine and are not (knobs of section 12.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Kind(StrEnum):
    """What goes wrong."""

    # reads
    EMPTY = "empty"
    """200 without rows, total 0."""
    TRUNCATED = "truncated"
    """Only the first `rows` rows of the collection; `honest` tells whether total still counts all."""
    SHORT_PAGE = "short_page"
    """Each page loses its last `rows` rows, the envelope stays as it was."""
    STALE = "stale"
    """The collection as it was `writes` writes or `seconds` seconds ago, whichever is longer ago."""
    REPEATED_PAGE = "repeated_page"
    """Page 1 whatever the page asked for; the envelope echoes the page asked for."""
    DRIFTING_TOTAL = "drifting_total"
    """total grows by `rows` with each page."""
    SHIFTED_ROWS = "shifted_rows"
    """From page 2 on everything is `rows` further: positive skips rows, negative repeats some."""

    # writes
    SILENT_DROP = "silent_drop"
    """The usual answer, nothing stored or deleted."""
    SUCCESS_FALSE = "success_false"
    """2xx with success:false; nothing stored unless `committed`."""
    EMPTY_BODY = "empty_body"
    """2xx without a body."""
    TOP_LEVEL_ID = "top_level_id"
    """{id} at the top level instead of item."""
    NO_ID = "no_id"
    """{success:true} without an item."""
    CONFLICT = "conflict"
    """409; nothing stored unless `committed`."""

    # both
    ACTION = "action"
    """Call `action` before the request is handled: another client at work between two requests."""


UNCOMMITTED = frozenset({Kind.SILENT_DROP, Kind.SUCCESS_FALSE, Kind.CONFLICT})
"""Kinds that undo the write unless told otherwise."""


@dataclass(slots=True, kw_only=True)
class Quirk:
    """One misbehaviour, aimed and counted exactly like `tests.simulators.base.Fault`.

    `path` is a glob over the request path. It strikes from the `first` matching request on (counted
    from 1, from the moment it was added), `times` times (None: for good). Quirks of different kinds
    may strike the same request.
    """

    kind: Kind
    path: str
    method: str = "*"
    first: int = 1
    times: int | None = 1
    rows: int = 1
    honest: bool = False
    writes: int = 0
    seconds: float = 0.0
    committed: bool | None = None
    action: Callable[[], object] | None = None
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count the request and tell whether this quirk hits it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.seen >= self.first and (self.times is None or self.seen < self.first + self.times)

    @property
    def undoes(self) -> bool:
        """Whether the write it strikes must leave no trace."""
        return not self.committed if self.committed is not None else self.kind in UNCOMMITTED


type Struck = Mapping[Kind, Quirk]
"""The quirks that hit one request."""
