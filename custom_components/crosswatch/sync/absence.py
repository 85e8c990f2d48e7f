"""How the absence of something that was agreed is believed, see `Missing`."""

from collections.abc import Mapping, Set as AbstractSet

from .context import Context
from .models import Feature, Missing, Side

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
        self._context = context
        self._seen, self._renamed = seen, renamed
        self._taken = context.taken | context.taken_elsewhere
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

    def after(self, key: str, before: Missing) -> Missing | None:
        """Return what is known after this look, see `Missing.after`."""
        if self._is_our_doing(key):
            return None
        at_source, at_target = (key in self._seen[side] for side in Side)
        now, same = self._context.now, self._is_same(key)
        return before.after(at_source=at_source, at_target=at_target, now=now, same=same)

    def is_anew(self, key: str, missing: Missing) -> bool:
        """Whether one side alone shows a key, and that was added there after it was agreed."""
        side = self.only_side(key)
        if side is None:
            return False
        return self._is_our_doing(key) or missing.is_anew(side, same=self._is_same(key))

    def may_be_there(self, side: Side, key: str) -> bool:
        """Whether a side that was seen to hold a key is not without it for certain."""
        missing = self.known(key)
        if missing is None or key in self._seen[side] or self._is_our_doing(key):
            return False
        return not missing.confirmed(side, self._context.now)

    def _is_our_doing(self, key: str) -> bool:
        """Whether a side is without a key because of us: what the other side shows came after that."""
        side = self.only_side(key)
        return side is not None and (side.other, key) in self._taken

    def _is_same(self, key: str) -> bool | None:
        return True if self._tells and not key.endswith(UNDATED) else self.same.get(key)
