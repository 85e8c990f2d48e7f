"""A listing is read completely, or not at all (2.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from custom_components.crosswatch.providers.plex.paging import Page, read_all
from custom_components.crosswatch.sync.provider import BadAnswerError, IncompleteReadError, UnreachableError

type Twist = Callable[[Page[int]], Page[int]]


def page_of(start: int, size: int, total: int) -> Page[int]:
    numbers = range(start, min(start + size, total))
    return Page(offset=start, total=total, keys=tuple(str(each) for each in numbers), values=tuple(numbers))


@dataclass
class Listing:
    """A listing of numbers; `twists` change the answer to the n-th call (from 1)."""

    total: int = 25
    longest: int = 1000
    twists: dict[int, Twist] = field(default_factory=dict)
    always: Twist | None = None
    calls: list[tuple[int, int, bool]] = field(default_factory=list)

    async def fetch(self, start: int, size: int, *, fresh: bool) -> Page[int]:
        """Answer and note the call."""
        self.calls.append((start, size, fresh))
        page = page_of(start, min(size, self.longest), self.total)
        twist = self.always or self.twists.get(len(self.calls))
        return page if twist is None else twist(page)


async def test_all_pages() -> None:
    listing = Listing()
    assert await read_all(listing.fetch, 10) == list(range(25))
    assert listing.calls == [(0, 10, False), (10, 10, False), (20, 10, False)]


@pytest.mark.parametrize("total", [0, 1, 9, 10, 11, 20])
async def test_edges(total: int) -> None:
    listing = Listing(total)
    assert await read_all(listing.fetch, 10) == list(range(total))
    assert len(listing.calls) == max(1, -(-total // 10))


async def test_server_decides_the_length_of_a_page() -> None:
    listing = Listing(longest=4)
    assert await read_all(listing.fetch, 10) == list(range(25))
    assert len(listing.calls) == 7


def short(page: Page[int]) -> Page[int]:
    return replace(page, keys=page.keys[:-1], values=page.values[:-1])


def empty(page: Page[int]) -> Page[int]:
    return replace(page, keys=(), values=())


def repeated(page: Page[int]) -> Page[int]:
    first = page_of(0, 10, 25)
    return replace(page, keys=first.keys[: len(page.keys)])


def more(page: Page[int]) -> Page[int]:
    return replace(page, total=(page.total or 0) + 1)


def less(page: Page[int]) -> Page[int]:
    return replace(page, total=(page.total or 0) - 1)


def elsewhere(page: Page[int]) -> Page[int]:
    return replace(page, offset=(page.offset or 0) + 1)


def no_total(page: Page[int]) -> Page[int]:
    return replace(page, total=None)


def shifted(page: Page[int]) -> Page[int]:
    """A row went away at the front: the page skips one."""
    moved = page_of((page.offset or 0) + 1, len(page.keys), 24)
    return replace(moved, offset=page.offset)


TWISTS = {twist.__name__: twist for twist in (short, empty, repeated, more, less, elsewhere, shifted)}


@pytest.mark.parametrize("name", TWISTS)
@pytest.mark.parametrize("call", [2, 3])
async def test_read_again_once(name: str, call: int) -> None:
    listing = Listing(twists={call: TWISTS[name]})
    assert await read_all(listing.fetch, 10) == list(range(25))
    assert len(listing.calls) == 6
    assert [fresh for _start, _size, fresh in listing.calls] == [False] * 3 + [True] * 3


@pytest.mark.parametrize("name", TWISTS)
@pytest.mark.parametrize("call", [2, 3])
async def test_incomplete_twice(name: str, call: int) -> None:
    listing = Listing(twists={call: TWISTS[name], call + 3: TWISTS[name]})
    with pytest.raises(IncompleteReadError):
        await read_all(listing.fetch, 10)
    assert len(listing.calls) == 6


@pytest.mark.parametrize("twist", [empty, more, less, elsewhere, no_total])
async def test_first_page_lies(twist: Twist) -> None:
    listing = Listing(always=lambda page: twist(page) if page.offset == 0 else page)
    with pytest.raises(IncompleteReadError):
        await read_all(listing.fetch, 10)


@pytest.mark.parametrize("twist", [more, less, no_total])
async def test_single_page_lies(twist: Twist) -> None:
    with pytest.raises(IncompleteReadError):
        await read_all(Listing(7, always=twist).fetch, 10)


@pytest.mark.parametrize(("longest", "fits"), [(0, False), (19, False), (20, True)])
async def test_handful_of_rows_is_not_a_page(longest: int, fits: bool) -> None:
    """Else a listing of 100,000 rows could take 100,000 requests."""
    listing = Listing(2000, longest)
    if fits:
        assert len(await read_all(listing.fetch, 1000)) == 2000
        return
    with pytest.raises(IncompleteReadError):
        await read_all(listing.fetch, 1000)
    assert len(listing.calls) == 2


async def test_errors_are_not_read_again() -> None:
    calls = 0

    async def fetch(start: int, size: int, *, fresh: bool) -> Page[int]:
        nonlocal calls
        calls += 1
        if start:
            raise UnreachableError("http:500")
        return page_of(start, size, 15)

    with pytest.raises(UnreachableError):
        await read_all(fetch, 10)
    assert calls == 2


def body(**container: Any) -> bytes:
    return orjson.dumps({"MediaContainer": container})


def key(row: Mapping[str, Any]) -> str:
    return str(row["ratingKey"])


ROWS = [{"ratingKey": "1"}, {"ratingKey": "2"}]


def test_page_from_body() -> None:
    page = Page.from_body(body(size=2, totalSize=5, offset=3, Metadata=ROWS), key, key)
    assert page == Page(offset=3, total=5, keys=("1", "2"), values=("1", "2"))


def test_rows_of_no_interest_still_count() -> None:
    def ignore(_row: Mapping[str, Any]) -> str | None:
        return None

    page = Page.from_body(body(size=2, totalSize=2, Metadata=ROWS), key, ignore)
    assert (page.keys, page.values) == (("1", "2"), ())


def test_total_from_the_header() -> None:
    assert Page.from_body(body(size=2, Metadata=ROWS), key, key, "7").total == 7
    assert Page.from_body(body(size=2, Metadata=ROWS), key, key).total is None


def test_empty_listing_has_no_rows_element() -> None:
    assert Page.from_body(body(size=0, totalSize=0), key, key) == Page(
        offset=None, total=0, keys=(), values=()
    )


async def test_nothing_without_a_total_is_not_an_empty_listing() -> None:
    async def fetch(_start: int, _size: int, *, fresh: bool) -> Page[str]:
        return Page.from_body(body(size=0), key, key)

    with pytest.raises(IncompleteReadError):
        await read_all(fetch, 10)


@pytest.mark.parametrize("left", [0, 1, 19])
async def test_listing_that_breaks_off_between_two_readings(left: int) -> None:
    def gone(_page: Page[int]) -> Page[int]:
        return page_of(0, 100, left)

    listing = Listing(twists={2: gone, 3: gone, 4: gone, 5: gone})
    with pytest.raises(IncompleteReadError):
        await read_all(listing.fetch, 10)


async def test_a_few_rows_may_go_between_two_readings() -> None:
    listing = Listing(twists={2: short})

    async def fetch(start: int, size: int, *, fresh: bool) -> Page[int]:
        listing.total = 20 if fresh else 25
        return await listing.fetch(start, size, fresh=fresh)

    assert await read_all(fetch, 10) == list(range(20))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html></html>",
        b'{"MediaContainer":',
        b"[]",
        b"null",
        b"{}",
        b'{"error": "x"}',
        b'{"MediaContainer": null}',
    ],
)
def test_not_a_container(answer: bytes) -> None:
    with pytest.raises(BadAnswerError) as caught:
        Page.from_body(answer, key, key)
    assert not isinstance(caught.value, IncompleteReadError)


@pytest.mark.parametrize("container", [{"Metadata": {}}, {"Metadata": ["x"]}, {"Metadata": 1}])
def test_not_rows(container: dict[str, Any]) -> None:
    with pytest.raises(BadAnswerError):
        Page.from_body(body(size=1, totalSize=1, **container), key, key)


def test_page_with_fewer_rows_than_it_says() -> None:
    with pytest.raises(IncompleteReadError):
        Page.from_body(body(size=3, totalSize=3, Metadata=ROWS), key, key)
