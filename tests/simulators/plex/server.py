"""What the Plex Media Server and the Plex cloud simulators share."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from fnmatch import fnmatchcase
import time
from typing import Any, Final, Literal, Self, override

from aiohttp import web

from tests.simulators.base import Handler, LoggedRequest, Simulator
from tests.simulators.plex.listing import Flaw, ListingFault, Page, Window, cut_page
from tests.simulators.plex.query import parse_pairs
from tests.simulators.plex.render import html_error
from tests.simulators.plex.rows import Row

type Clock = Callable[[], float]
CONTROL: Final = "/_simulator/"
"""Paths of the control API: faults and budgets spare them."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """At most `requests` per `window` seconds to the paths of the glob, then 429 (3.7).

    `retry_after` is the form of the Retry-After header: seconds, an HTTP date or none.
    """

    requests: int
    window: float
    path: str = "*"
    retry_after: Literal["seconds", "date"] | None = "seconds"
    spent: deque[float] = field(default_factory=deque)

    def refuse(self, path: str) -> float | None:
        """Count a call; return the seconds to wait when it is one too many."""
        if not fnmatchcase(path, self.path):
            return None
        now = time.monotonic()
        while self.spent and self.spent[0] <= now - self.window:
            self.spent.popleft()
        if len(self.spent) >= self.requests:
            return self.spent[0] + self.window - now
        self.spent.append(now)
        return None


class Call:
    """A request with its query decoded the way Plex needs it: operators stay in the keys."""

    def __init__(self, request: web.Request) -> None:
        """Decode the raw query."""
        self.request = request
        self.pairs = parse_pairs(request.raw_path.partition("?")[2])
        self._first: dict[str, str] = {}
        for key, value in self.pairs:
            self._first.setdefault(key, value)

    @classmethod
    async def with_form(cls, request: web.Request) -> Self:
        """Decode a form body too; the query wins."""
        call = cls(request)
        if request.content_type == "application/x-www-form-urlencoded":
            for key, value in parse_pairs((await request.read()).decode()):
                call._first.setdefault(key, value)
        return call

    def arg(self, name: str) -> str | None:
        """The first value of an argument; `X-Plex-*` also from the headers."""
        value = self._first.get(name)
        if value is None and name.startswith("X-Plex-"):
            return self.request.headers.get(name)
        return value

    def number(self, name: str) -> int | None:
        """An integer argument; None when missing or malformed."""
        try:
            return int(self.arg(name) or "")
        except ValueError:
            return None

    def flag(self, name: str) -> bool:
        """A boolean argument."""
        return (self.arg(name) or "").lower() in ("1", "true")

    @property
    def token(self) -> str | None:
        """The credential; the header wins over the query."""
        return self.request.headers.get("X-Plex-Token") or self._first.get("X-Plex-Token")

    def window(self, default_size: int | None = None) -> Window:
        """The asked-for page."""
        size = self.number("X-Plex-Container-Size")
        start = self.number("X-Plex-Container-Start")
        return Window(
            start=max(0, start or 0),
            size=default_size if size is None else max(0, size),
            paged=size is not None or start is not None or default_size is not None,
        )


class PlexSimulator(Simulator):
    """A simulator with a clock, a request budget and flawed listings."""

    def __init__(self, clock: Clock = time.time) -> None:
        """Use `clock` for every date the server writes, its Date header included."""
        super().__init__()
        self.clock = clock
        self.budgets: list[Budget] = []
        self.listing_faults: list[ListingFault] = []
        self.app.on_response_prepare.append(self._stamp)

    @property
    def now(self) -> int:
        """The server's time in epoch seconds."""
        return int(self.clock())

    def limit(self, requests: int, window: float, path: str = "*", **settings: Any) -> Budget:
        """Allow so many requests per window (seconds); see `Budget`."""
        budget = Budget(requests=requests, window=window, path=path, **settings)
        self.budgets.append(budget)
        return budget

    def spoil(self, path: str, flaw: Flaw, amount: int = 1, **settings: Any) -> ListingFault:
        """Let listings lie; see `ListingFault` for `first` and `times`."""
        fault = ListingFault(path=path, flaw=flaw, amount=amount, **settings)
        self.listing_faults.append(fault)
        return fault

    @override
    def heal(self) -> None:
        """Remove all faults, flaws and budgets."""
        super().heal()
        self.budgets.clear()
        self.listing_faults.clear()

    def tokens_in_query(self) -> list[LoggedRequest]:
        """Requests that carried a token where it ends up in logs."""
        return [r for r in self.log if any(key == "X-Plex-Token" for key, _value in r.query)]

    def page[T](self, call: Call, rows: list[T], window: Window | None = None) -> Page[T]:
        """Cut the asked-for page, with the flaws set for this path."""
        struck = [f for f in self.listing_faults if f.strikes(call.request.path)]
        return cut_page(rows, window or call.window(), struck)

    async def _stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self.clock(), usegmt=True)

    @override
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await handler(request)
        for budget in self.budgets:
            wait = budget.refuse(request.path)
            if wait is not None:
                return html_error(429, self._retry_after(budget, wait))
        try:
            return await super()._answer(request, handler)
        except web.HTTPNotFound, web.HTTPMethodNotAllowed:
            return html_error(404)

    def _retry_after(self, budget: Budget, wait: float) -> dict[str, str]:
        match budget.retry_after:
            case "seconds":
                return {"Retry-After": str(max(1, round(wait + 0.5)))}
            case "date":
                return {"Retry-After": formatdate(self.clock() + max(1.0, wait + 1), usegmt=True)}
            case _:
                return {}


def container(page: Page[Any], rows: Iterable[Row], name: str, attrs: Row) -> Row:
    """Fill a MediaContainer: an empty listing has no `name` key at all (2.1)."""
    filled = list(rows)
    data: Row = {"size": len(filled)}
    if page.paged:
        if page.total is not None:
            data["totalSize"] = page.total
        data["offset"] = page.offset
    data.update(attrs)
    if filled:
        data[name] = filled
    return data


def page_headers(page: Page[Any]) -> dict[str, str]:
    """The paging response headers (2.2)."""
    if not page.paged:
        return {}
    headers = {"X-Plex-Container-Start": str(page.offset)}
    if page.total is not None:
        headers["X-Plex-Container-Total-Size"] = str(page.total)
    return headers
