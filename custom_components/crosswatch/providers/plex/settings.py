"""The `plex.*` settings under their documented names, with defaults and ranges (API reference 4.9)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self


class SettingError(ValueError):
    """A setting has a value it may not have. `key` is the documented name."""

    def __init__(self, key: str, message: str) -> None:
        """Name the setting."""
        super().__init__(f"plex.{key}: {message}")
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class PlexSettings:
    """How an account reads and writes.

    The numbers of workers are requests at once to the media server, for the feature. Libraries are
    section ids, none means all. Times are milliseconds.
    """

    rating_workers: int = 6
    history_workers: int = 6
    ratings_libraries: frozenset[str] = frozenset()
    history_libraries: frozenset[str] = frozenset()
    watchlist_query_limit: int = 25
    watchlist_write_delay_ms: int = 0
    watchlist_allow_pms_fallback: bool = False
    history_ignore_local_guid: bool = False
    history_ignore_guid_prefixes: tuple[str, ...] = ("local://",)
    history_require_external_ids: bool = False
    history_include_marked_watched: bool = False
    fallback_guid: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Build from options by documented name, with or without `plex.`; what is absent has its default.

        Raises `SettingError` for a value of another type or outside the range. Keys of other matters
        are left alone.
        """
        values: dict[str, Any] = {}
        for name, value in options.items():
            if (setting := BY_KEY.get(name.removeprefix("plex."))) is not None:
                values[setting.name] = setting.read(setting.key, value)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `key` is the documented name without `plex.`, `name` the field of `PlexSettings`."""

    key: str
    name: str
    read: Callable[[str, Any], Any]
    minimum: int | None = None
    maximum: int | None = None


def _switch(key: str, name: str) -> Setting:
    def read(key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise SettingError(key, "must be on or off")
        return value

    return Setting(key, name, read)


def _number(key: str, minimum: int, maximum: int) -> Setting:
    def read(key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise SettingError(key, "must be a whole number")
        if not minimum <= value <= maximum:
            raise SettingError(key, f"must be {minimum} to {maximum}")
        return int(value)

    return Setting(key, key, read, minimum, maximum)


def _texts(key: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise SettingError(key, "must be a list")
    texts = [str(each).strip() if isinstance(each, str | int) else "" for each in value]
    if not all(texts):
        raise SettingError(key, "must be a list of texts")
    return texts


def _libraries(key: str, name: str) -> Setting:
    def read(key: str, value: Any) -> frozenset[str]:
        texts = _texts(key, value)
        if not all(each.isdecimal() for each in texts):
            raise SettingError(key, "must be a list of section ids")
        return frozenset(texts)

    return Setting(key, name, read)


def _prefixes(key: str) -> Setting:
    def read(key: str, value: Any) -> tuple[str, ...]:
        return tuple(_texts(key, value))

    return Setting(key, key, read)


SETTINGS: Final = (
    _number("rating_workers", 1, 64),
    _number("history_workers", 1, 64),
    _libraries("ratings.libraries", "ratings_libraries"),
    _libraries("history.libraries", "history_libraries"),
    _number("watchlist_query_limit", 1, 50),
    _number("watchlist_write_delay_ms", 0, 5000),
    _switch("watchlist_allow_pms_fallback", "watchlist_allow_pms_fallback"),
    _switch("history_ignore_local_guid", "history_ignore_local_guid"),
    _prefixes("history_ignore_guid_prefixes"),
    _switch("history_require_external_ids", "history_require_external_ids"),
    _switch("history.include_marked_watched", "history_include_marked_watched"),
    _switch("fallback_GUID", "fallback_guid"),
)
BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
