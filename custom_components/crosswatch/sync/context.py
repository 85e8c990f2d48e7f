"""What a planner knows besides the two snapshots."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .decisions import Decision
from .identity import Aliases
from .ledger import Marks
from .models import Action, Direction, Entry, Feature, Kind, LogIds, Missing, Rating, Side, Values
from .provider import Capability
from .settings import PairSettings
from .values import Written

UNKNOWN_CAPABILITY = Capability(kinds=frozenset(Kind))

PROVES_NOTHING = "absence_proves_nothing"
"""Rule of what is gone from a side in a way that says nothing about a removal."""

type Refusal = Callable[[Side, Feature, Action, Entry], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a planner knows besides the two snapshots.

    `now` is epoch seconds UTC. `baseline` maps agreed keys to how certain it is that a side is without them,
    `values` and `logs` to what was agreed. `settling` are keys written so recently that a read may not show
    them yet, or taken away so recently that it may show them still; `fresh` are those a read has shown since,
    and may yet hide again, `settling_elsewhere` what other pairs have written to a side just now.
    `taken` are keys that we have taken away from a side, not written since, with what stood there, and
    `taken_elsewhere` those that another pair of both accounts has.
    `written` are the writes whose echo may be met, `marks` those of plays by side. `frozen` maps keys that
    were refused before to the reason, while they rest. `decisions` are what a person has said about
    changes, `elsewhere` those of them that were made while a side was read through something else.
    `refusal` asks a side about an entry alone. With `believing` what is missing for the first time counts
    as confirmed: that is how a plan looks that a person may approve.
    """

    direction: Direction
    aliases: Aliases
    refusal: Refusal
    now: int
    baseline: Mapping[str, Missing] = field(default_factory=dict)
    settling: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    settling_elsewhere: Mapping[Side, frozenset[str]] = field(default_factory=dict)
    taken: Mapping[tuple[Side, str], Entry] = field(default_factory=dict)
    taken_elsewhere: frozenset[tuple[Side, str]] = frozenset()
    frozen: Mapping[str, str] = field(default_factory=dict)
    settings: PairSettings = field(default_factory=PairSettings)
    capabilities: Mapping[Side, Capability] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)
    logs: Mapping[str, LogIds] = field(default_factory=dict)
    written: Mapping[Side, Mapping[str, Written]] = field(default_factory=dict)
    marks: Mapping[Side, Marks] = field(default_factory=dict)
    decisions: Mapping[tuple[Side, str], Decision] = field(default_factory=dict)
    elsewhere: frozenset[tuple[Side, str]] = frozenset()
    believing: bool = False

    @property
    def two_way(self) -> bool:
        """Whether the source may be written too."""
        return self.direction is Direction.TWO_WAY

    def able(self, side: Side) -> Capability:
        """What a side can do for the feature."""
        return self.capabilities.get(side, UNKNOWN_CAPABILITY)

    def may_write(self, side: Side) -> bool:
        """Whether the pair writes to a side."""
        return side is Side.TARGET or self.two_way

    def bar(self, feature: Feature, side: Side, action: Action, entry: Entry | None) -> str | None:
        """Return the rule by which such a change does not travel at all, None if it may."""
        if isinstance(entry, Rating) and entry.item.kind not in self.settings.rating_kinds:
            return "kind_left_out"
        if action is not Action.REMOVE:
            return None if feature in self.settings.adds else "adds_off"
        if feature not in self.settings.removals:
            return "removals_off"
        if not self.able(side).remove:
            return "removal_unsupported"
        return None if self.able(side.other).absence_is_removal else PROVES_NOTHING
