"""How the absence of something that was agreed is believed, see `Missing`."""

from collections.abc import Mapping, Set as AbstractSet

from .context import Context
from .models import Entry, Feature, Missing, Side
from .values import is_same_act

UNDATED = "@unknown"
"""End of the key of a play without a date."""


class Absences:
    """What both sides show of the keys of the baseline.

    `seen` and `renamed` grow while a plan is made: the keys each side shows, and those that the baseline
    knows under another one.
    """

    def __init__(
        self,
        feature: Feature,
        context: Context,
        seen: Mapping[Side, AbstractSet[str]],
        renamed: Mapping[str, str],
    ) -> None:
        """Nothing is told of dates yet."""
        self.same: dict[str, bool] = {}
        """Whether what one side alone shows is what was agreed, where its dates tell."""
        self._anew: set[str] = set()
        """What one side alone shows, and was added there since we have taken it away."""
        self._still: set[str] = set()
        """What one side alone shows, and should have been taken away there by us."""
        self._context = context
        self._seen, self._renamed = seen, renamed
        self._taken = context.taken.keys() | context.taken_elsewhere
        # the time of a play is part of its key, and no two stops are at the same position
        self._tells = feature in (Feature.HISTORY, Feature.PROGRESS)

    def known(self, key: str) -> Missing | None:
        """Return what the baseline says of a key."""
        return self._context.baseline.get(self._renamed.get(key, key))

    def only_side(self, key: str) -> Side | None:
        """Return the one side that shows a key; None: both or neither do."""
        at_source = key in self._seen[Side.SOURCE]
        if at_source == (key in self._seen[Side.TARGET]):
            return None
        return Side.SOURCE if at_source else Side.TARGET

    def compare(self, key: str, entry: Entry, missing: Missing) -> None:
        """Put what one side alone shows beside what we have taken away there: did that not land?"""
        side = self.only_side(key)
        taken = None if side is None else self._context.taken.get((side, key))
        if taken is None or side is None or key in self._still:
            return
        same = is_same_act(entry, taken)
        if same:
            # of several rows of one time this one tells
            self._still.add(key)
            self.same[key] = True
        elif same is False or missing.at(side):
            # where nobody can tell, what a person may have added is not taken away
            self._anew.add(key)

    def after(self, key: str, before: Missing) -> Missing | None:
        """Return what is known after this look, see `Missing.after`."""
        at_source, at_target = (key in self._seen[side] for side in Side)
        return before.after(
            at_source=at_source,
            at_target=at_target,
            now=self._context.now,
            same=self._is_same(key),
            anew=self._is_since_ours(key),
        )

    def is_anew(self, key: str, missing: Missing) -> bool:
        """Whether one side alone shows a key, and that was added there after it was agreed."""
        side = self.only_side(key)
        if side is None:
            return False
        return self._is_since_ours(key) or missing.is_anew(side, same=self._is_same(key))

    def may_be_there(self, side: Side, key: str) -> bool:
        """Whether a side that was seen to hold a key is not without it for certain."""
        missing = self.known(key)
        if missing is None or key in self._seen[side]:
            return False
        return not missing.confirmed(side, self._context.now)

    def _is_since_ours(self, key: str) -> bool:
        """Whether what one side alone shows came after we had taken it away there, or on the other side."""
        side = self.only_side(key)
        return key in self._anew or (side is not None and (side.other, key) in self._taken)

    def _is_same(self, key: str) -> bool | None:
        return True if self._tells and not key.endswith(UNDATED) else self.same.get(key)
