"""Both ends of a pair, as far as one feature of one run is concerned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .context import UNKNOWN_CAPABILITY
from .models import Action, Entry, Feature, Side
from .provider import Capability, Provider
from .state import own_account

if TYPE_CHECKING:
    from .engine import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The two sides, what is asked of them, and what they can do."""

    sides: Mapping[Side, Provider]
    request: RunRequest
    feature: Feature

    @property
    def pair(self) -> str:
        """The pair."""
        return self.request.pair_id

    def able(self, side: Side) -> Capability:
        """What a side can do for the feature."""
        return self.sides[side].capabilities.get(self.feature, UNKNOWN_CAPABILITY)

    def ledger_of(self, side: Side) -> str | None:
        """Name of the account in the ledger; None for a side that keeps the dates of plays."""
        if self.feature is not Feature.HISTORY or self.able(side).dated:
            return None
        return self.request.accounts.get(side) or own_account(self.pair, side)

    def refusal(self, side: Side, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Why a side can't take something, from the entry alone."""
        return self.sides[side].refusal(feature, action, entry)
