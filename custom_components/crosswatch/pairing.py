"""What two accounts can be joined to: names and rules of a pair. Decided by what the providers can do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
import re
from typing import Any, TypedDict

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .account import AccountConfigEntry, account_capabilities, account_entries, account_entry
from .const import (
    CONF_DIRECTION,
    CONF_FEATURES,
    CONF_PROVIDER,
    CONF_RATINGS_LABEL,
    CONF_SOURCE,
    CONF_TARGET,
    CONF_WATCHLIST_NAME,
    DOMAIN,
    PAIR_LIBRARIES,
    Trigger,
)
from .pair_settings import pair_settings
from .sync.engine import RunRequest
from .sync.models import Direction, Feature, Scope, Side
from .sync.plan import PLANNERS


@dataclass(slots=True)
class Problems:
    """What is wrong with a pair: one error per field of the form, and what their texts need."""

    errors: dict[str, str] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=lambda: {"account": "", "features": ""})

    def add(
        self, where: str, error: str, account: AccountConfigEntry | None = None, features: Iterable[str] = ()
    ) -> None:
        """Note an error. The texts of one form share their placeholders, so the first one stays alone."""
        if not self.errors:
            self.errors[where] = error
            self.placeholders = {"account": account.title if account else "", "features": ", ".join(features)}

    def move(self, where: str, to: str) -> None:
        """Show the error of a field that the form does not have at another place."""
        if where in self.errors:
            self.errors[to] = self.errors.pop(where)


@callback
def pair_scope(pair: ConfigEntry, *, read_only: bool) -> Scope:
    """Return what a pair adds to the settings of its accounts."""
    options = pair.options
    return Scope(
        pair_id=pair.entry_id,
        read_only=read_only,
        watchlist_name=options.get(CONF_WATCHLIST_NAME),
        rating_label=options.get(CONF_RATINGS_LABEL),
        libraries={
            feature: frozenset(options[key]) for key, feature in PAIR_LIBRARIES.items() if key in options
        },
    )


@callback
def run_request(
    pair: ConfigEntry,
    trigger: Trigger,
    features: tuple[Feature, ...],
    *,
    dry_run: bool,
    undo: str | None = None,
) -> RunRequest:
    """Return what the engine is asked to do for a pair. `undo` is the id of a run to be taken back."""
    return RunRequest(
        pair_id=pair.entry_id,
        direction=Direction(pair.data[CONF_DIRECTION]),
        features=features,
        scope=pair_scope(pair, read_only=dry_run),
        trigger=trigger,
        dry_run=dry_run,
        settings=pair_settings(pair.options),
        accounts={Side.SOURCE: pair.data[CONF_SOURCE], Side.TARGET: pair.data[CONF_TARGET]},
        undo=undo,
    )


class PairChanges(TypedDict):
    """What else changes with the accounts of a pair."""

    unique_id: str
    title: str


def pair_unique_id(data: Mapping[str, Any]) -> str:
    """Return the unique id of a pair: one pair for each two accounts, whichever way it goes."""
    first, second = sorted((data[CONF_SOURCE], data[CONF_TARGET]))
    return f"pair_{first}_{second}"


@callback
def pair_title(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return the name a pair gets from its accounts."""
    entries = (account_entry(hass, data[side]) for side in (CONF_SOURCE, CONF_TARGET))
    return _arrow(data).join(entry.title if entry else "?" for entry in entries)


@callback
def pair_changes(hass: HomeAssistant, pair: ConfigEntry, data: Mapping[str, Any]) -> PairChanges:
    """Return what else changes with the accounts of a pair. A name that somebody gave it stays."""
    entries = (account_entry(hass, pair.data[side]) for side in (CONF_SOURCE, CONF_TARGET))
    # what a removed account was called is not known any more
    names = (re.escape(entry.title) if entry else ".+" for entry in entries)
    as_made = re.fullmatch(re.escape(_arrow(pair.data)).join(names), pair.title)
    return PairChanges(
        unique_id=pair_unique_id(data), title=pair_title(hass, data) if as_made else pair.title
    )


def _arrow(data: Mapping[str, Any]) -> str:
    return " ↔ " if data[CONF_DIRECTION] == Direction.TWO_WAY else " → "


@callback
def offered_features(hass: HomeAssistant) -> list[Feature]:
    """Return the features that can be kept in step and that some account can take part in."""
    able = {feature for entry in account_entries(hass) for feature in account_capabilities(hass, entry)}
    return [feature for feature in Feature if feature in PLANNERS and feature in able]


@callback
def suggested_pair(hass: HomeAssistant) -> dict[str, Any]:
    """Return a pair to begin with: two accounts of two services, and all that both can take part in.

    The target is the one that keeps the dates of plays, if only one of them does.
    """
    accounts = sorted(account_entries(hass), key=lambda entry: (_keeps_dates(hass, entry), entry.created_at))
    for source, target in combinations(accounts, 2):
        if source.data[CONF_PROVIDER] != target.data[CONF_PROVIDER]:
            able = account_capabilities(hass, source).keys() & account_capabilities(hass, target).keys()
            features = [feature for feature in offered_features(hass) if feature in able]
            return {
                CONF_SOURCE: source.unique_id,
                CONF_TARGET: target.unique_id,
                CONF_FEATURES: features,
            }
    return {}


@callback
def check_accounts(hass: HomeAssistant, data: Mapping[str, Any]) -> Problems:
    """Check that a pair has two different accounts."""
    problems = Problems()
    for side in (CONF_SOURCE, CONF_TARGET):
        if account_entry(hass, data[side]) is None:
            problems.add(side, "account_gone")
    if data[CONF_SOURCE] == data[CONF_TARGET]:
        problems.add(CONF_TARGET, "same_account")
    return problems


@callback
def check_features(hass: HomeAssistant, data: Mapping[str, Any], features: Collection[str]) -> Problems:
    """Check that both accounts can do what a pair asks of them. A missing account is not judged."""
    problems = Problems()
    if not features:
        problems.add(CONF_FEATURES, "no_features")
    for entry in (account_entry(hass, data[side]) for side in (CONF_SOURCE, CONF_TARGET)):
        if entry is not None and (lacking := _lacking(hass, entry, features)):
            problems.add(CONF_FEATURES, "feature_unsupported", entry, lacking)
    return problems


@callback
def check_pair(
    hass: HomeAssistant, data: Mapping[str, Any], features: Collection[str], own: ConfigEntry | None
) -> Problems:
    """Check all of a pair, and that no other one joins the two accounts already."""
    problems = check_accounts(hass, data)
    if not problems.errors:
        problems = check_features(hass, data, features)
    if not problems.errors:
        other = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, pair_unique_id(data))
        if other is not None and other is not own:
            problems.add("base", "pair_exists")
    return problems


def _keeps_dates(hass: HomeAssistant, entry: AccountConfigEntry) -> bool:
    history = account_capabilities(hass, entry).get(Feature.HISTORY)
    return history is not None and history.dated


def _lacking(hass: HomeAssistant, entry: AccountConfigEntry, features: Collection[str]) -> list[str]:
    """Features that an account can't take part in."""
    able = account_capabilities(hass, entry)
    return [feature for feature in Feature if feature in features and feature not in able]
