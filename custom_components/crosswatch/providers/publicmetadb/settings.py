"""Every `publicmetadb.*` key of the adapter document, with its default and range."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
import math
from typing import Any, Self

from yarl import URL

DEFAULT_BASE_URL = "https://publicmetadb.com"
MOST_PER_PAGE = 500
"""Rows the service puts on one page at most (API reference 3.0)."""
MOST_GETS, MOST_WRITES = 20.0, 3.0
"""Requests per second, the ceilings of `rate_limit.*` (adapter document)."""
MOST_SUBMITS, MOST_UPDATES = 200, 100
"""Ratings per hour, the ceilings of `ratings_*_per_hour` (adapter document)."""

YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicMetaDBSettings:
    """Settings of one PublicMetaDB account.

    Names and defaults are those of the adapter document; where it names a key without a default, the
    page sizes are the service's maximum, so that reading needs the fewest requests. Times in seconds.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = DEFAULT_BASE_URL
    timeout: float = 15.0
    max_retries: int = 3
    """Attempts in all, the first one included (API reference 6.2)."""
    watchlist_list_id: str = ""
    watchlist_name: str = "Watchlist"
    watchlist_auto_create: bool = True
    watchlist_page_size: int = MOST_PER_PAGE
    history_per_page: int = MOST_PER_PAGE
    history_max_pages: int = 1000
    progress_per_page: int = MOST_PER_PAGE
    progress_max_pages: int = 1000
    ratings_label: str = "Overall"
    ratings_submit_per_hour: int = MOST_SUBMITS
    ratings_update_per_hour: int = MOST_UPDATES
    get_per_sec: float = MOST_GETS
    """`rate_limit.get_per_sec`; 0 switches the pacing off."""
    post_per_sec: float = MOST_WRITES
    """`rate_limit.post_per_sec`, for every method but GET; 0 switches the pacing off."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Read the documented keys; blank or absent ones take their default.

        The pacing keys may be nested (`{"rate_limit": {"get_per_sec": 5}}`) or dotted. Numbers out of
        range are moved to its end, as documented. Raises ValueError, naming the key, for anything that
        can't be read and for unknown keys: a mistyped setting must not work as its default.
        """
        return cls(
            **{_FIELDS.get(key, key): _read(key, value) for key, value in _flat(options) if not _blank(value)}
        )


def _flat(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in options.items():
        if key == "rate_limit":
            if not isinstance(value, Mapping):
                raise ValueError("rate_limit: not a group of settings")
            flat += [(f"rate_limit.{name}", inner) for name, inner in value.items()]
        else:
            flat.append((key, value))
    return flat


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read(key: str, value: Any) -> Any:
    reader = _READERS.get(key)
    if reader is None:
        raise ValueError(f"{key}: no such setting")
    try:
        return reader(value)
    except ValueError as err:
        # the value itself stays out of the text: it may be a key
        raise ValueError(f"{key}: {err}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - one error for every bad setting
    return value.strip()


def _base_url(value: Any) -> str:
    text = _text(value).rstrip("/")
    try:
        url = URL(text)
    except ValueError:
        raise ValueError("not an address") from None
    if url.scheme not in ("http", "https") or not url.host or url.user or url.query_string or url.fragment:
        raise ValueError("not an address")
    # one address has one spelling, whatever the case of its host and without the usual port
    return str(url).rstrip("/")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in YES or text in NO:
        return text in YES
    raise ValueError("neither yes nor no")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("not a number")  # noqa: TRY004 - the same
    try:
        number = float(value)
    except ValueError:
        raise ValueError("not a number") from None
    if not math.isfinite(number):
        raise ValueError("not a number")
    return number


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _number(value)
        if not number.is_integer():
            raise ValueError("not a whole number")
        return min(max(int(number), least), most)

    return read


def _quota(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        # 0 means the default (API reference 5.3), which is the ceiling
        return _whole(0, most)(value) or most

    return read


def _rate(most: float) -> Callable[[Any], float]:
    return lambda value: min(max(_number(value), 0.0), most)


def _timeout(value: Any) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError("not above zero")
    return number


_per_page = _whole(1, MOST_PER_PAGE)
_pages = _whole(1, 100_000)

_FIELDS = {"rate_limit.get_per_sec": "get_per_sec", "rate_limit.post_per_sec": "post_per_sec"}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "api_key": _text,
    "base_url": _base_url,
    "timeout": _timeout,
    "max_retries": _whole(1, 100),
    "watchlist_list_id": _text,
    "watchlist_name": _text,
    "watchlist_auto_create": _flag,
    "watchlist_page_size": _per_page,
    "history_per_page": _per_page,
    "history_max_pages": _pages,
    "progress_per_page": _per_page,
    "progress_max_pages": _pages,
    "ratings_label": _text,
    "ratings_submit_per_hour": _quota(MOST_SUBMITS),
    "ratings_update_per_hour": _quota(MOST_UPDATES),
    "rate_limit.get_per_sec": _rate(MOST_GETS),
    "rate_limit.post_per_sec": _rate(MOST_WRITES),
}

KEYS = tuple(_READERS)
"""The documented keys, in the adapter document's spelling."""

# every field has a key and the other way round
assert {_FIELDS.get(key, key) for key in KEYS} == {f.name for f in fields(PublicMetaDBSettings)}  # noqa: S101
