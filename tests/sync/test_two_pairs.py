"""Pairs that share accounts: what one of them takes away counts for the others as what a person took away."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from custom_components.crosswatch.sync.engine import RunRequest
from custom_components.crosswatch.sync.models import Action, Direction, Entry, Feature, Scope, Side

from .fakes import HOUR, FakeProvider
from .lab import Lab
from .test_removals import HISTORY, LISTS, ONE, RATINGS, REMOVALS, TWO, Pair

FEATURES = [LISTS, HISTORY, RATINGS]
MINUTE = 60


class Accounts:
    """Three accounts, and pairs between any two of them that take turns."""

    def __init__(self, lab: Lab, feature: Feature, *pairs: str, direction: Direction = TWO) -> None:
        """Each pair is named after its source and its target."""
        self.lab, self.feature, self.pairs = lab, feature, pairs
        self.direction = direction
        self.accounts = {name: FakeProvider(name) for name in "ABC"}
        for name, account in self.accounts.items():
            account.scope_hash = name
        self.entries = Pair(lab, feature).entries(8)

    async def agree(self) -> None:
        """Let all hold the same, and have seen it."""
        for account in self.accounts.values():
            account.entries[self.feature][:] = self.entries
        await self.run(*self.pairs)

    async def run(self, *pairs: str, later: float = 20 * MINUTE) -> None:
        """Run pairs in turn, each so much later."""
        for pair in pairs:
            self.lab.now += later
            request = RunRequest(
                pair_id=pair,
                direction=self.direction,
                features=(self.feature,),
                scope=Scope(pair_id=pair),
                trigger="test",
                settings=REMOVALS,
                accounts={Side.SOURCE: pair[0], Side.TARGET: pair[1]},
            )
            source, target = (self.accounts[name] for name in pair[:2])
            await self.lab.engine.run(request, source, target, self.lab.progress.append)

    def of(self, name: str) -> list[Entry]:
        """What an account holds."""
        return self.accounts[name].entries[self.feature]

    def held(self, names: str) -> list[int]:
        """How much accounts hold."""
        return [len(self.of(name)) for name in names]

    def added(self) -> list[str]:
        """What was added anywhere."""
        return [
            f"{name} {change.key}"
            for name, account in self.accounts.items()
            for change in account.written
            if change.action is Action.ADD
        ]


@pytest.mark.parametrize("feature", FEATURES)
async def test_what_another_pair_has_just_written_at_its_own_account_travels_on_from_the_shared_one(
    lab: Lab, feature: Feature
) -> None:
    chain = Accounts(lab, feature, "AB", "BC")
    await chain.agree()
    chain.of("B").append(Pair(lab, feature).entries(1, first=9)[0])
    await chain.run("AB", "BC", later=MINUTE)
    assert chain.held("ABC") == [9, 9, 9]
    await chain.run("AB", "BC", "AB", "BC")
    assert chain.held("ABC") == [9, 9, 9]


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("taken_from", ["A", "B", "C"])
@pytest.mark.parametrize("order", [("AB", "BC"), ("BC", "AB"), ("BC", "BC", "AB", "AB")])
async def test_a_removal_travels_through_all_pairs(
    lab: Lab, feature: Feature, taken_from: str, order: Sequence[str]
) -> None:
    chain = Accounts(lab, feature, "AB", "BC")
    await chain.agree()
    chain.of(taken_from).pop(0)
    for _ in range(5):
        await chain.run(*order)
    assert chain.held("ABC") == [7, 7, 7]
    assert chain.added() == []


@pytest.mark.parametrize("order", list(permutations(("AB", "BC", "AC"))))
async def test_a_removal_in_a_ring_of_pairs_is_never_put_back(lab: Lab, order: Sequence[str]) -> None:
    ring = Accounts(lab, LISTS, "AB", "BC", "AC")
    await ring.agree()
    for name in "ABC":
        ring.of(name).pop(0)
        for _ in range(4):
            await ring.run(*order, later=7 * MINUTE)
    assert ring.held("ABC") == [5, 5, 5]
    assert ring.added() == []


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("other", ["AB2", "BA"])
@pytest.mark.parametrize("order", ["1212", "1122", "2211", "1221", "2112", "1222"])
async def test_two_pairs_of_the_same_accounts_put_nothing_back(
    lab: Lab, feature: Feature, other: str, order: str
) -> None:
    twins = Accounts(lab, feature, "AB", other)
    await twins.agree()
    twins.of("A").pop(0)
    for turn in order * 3:
        await twins.run(twins.pairs[int(turn) - 1])
    assert twins.held("AB") == [7, 7]
    assert twins.added() == []


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("other", ["AB2", "BA"])
@pytest.mark.parametrize("noted", [True, False])
async def test_what_is_added_anew_after_the_other_pair_took_it_away_stays(
    lab: Lab, feature: Feature, other: str, noted: bool
) -> None:
    """The second pair has not seen that both were without it."""
    twins = Accounts(lab, feature, "AB", other)
    await twins.agree()
    gone = twins.of("A").pop(0)
    await twins.run("AB", *([other] if noted else []), "AB")
    assert twins.held("AB") == [7, 7]
    twins.of("A").append(gone)
    await twins.run(other, other, other)
    assert twins.held("AB") == [8, 8]
    await twins.run("AB", other, "AB")
    assert twins.held("AB") == [8, 8]


@pytest.mark.parametrize("feature", [LISTS, HISTORY])
async def test_what_another_pair_has_just_written_is_not_written_twice(lab: Lab, feature: Feature) -> None:
    """Two accounts have it, and the list of the third one does not show yet that it was written."""
    chain = Accounts(lab, feature, "AB", "CB")
    await chain.agree()
    new = Pair(lab, feature).entries(1, first=50)
    chain.of("A").extend(new)
    chain.of("C").extend(new)
    await chain.run("AB")
    assert chain.held("B") == [9]
    chain.accounts["B"].shown = lambda rows: rows[:8]
    await chain.run("CB", later=10)
    assert chain.held("B") == [9]
    chain.accounts["B"].shown = list
    await chain.run("CB", "AB")
    assert chain.held("ABC") == [9, 9, 9]


async def test_one_way_pairs_against_each_other_lose_nothing(lab: Lab) -> None:
    """Each lets its own source decide: what is taken away goes, or comes back, whoever is first."""
    for order in (("AB", "BA"), ("BA", "AB")):
        against = Accounts(lab, LISTS, *order, direction=ONE)
        await against.agree()
        against.of("A").pop(0)
        for _ in range(4):
            await against.run(*order)
        assert against.held("AB") in ([7, 7], [8, 8])
        lab.now += 8 * 24 * HOUR
