"""The documented `plex.*` settings."""

from typing import Any

import pytest

from custom_components.crosswatch.providers.plex.settings import SETTINGS, PlexSettings, SettingError

DOCUMENTED = {
    "rating_workers",
    "history_workers",
    "ratings.libraries",
    "history.libraries",
    "watchlist_query_limit",
    "watchlist_write_delay_ms",
    "watchlist_allow_pms_fallback",
    "history_ignore_local_guid",
    "history_ignore_guid_prefixes",
    "history_require_external_ids",
    "history.include_marked_watched",
    "fallback_GUID",
}


def test_every_documented_key_is_known() -> None:
    assert {setting.key for setting in SETTINGS} == DOCUMENTED


def test_defaults() -> None:
    settings = PlexSettings.from_options({})
    assert settings == PlexSettings()
    assert settings.history_libraries == frozenset()
    assert settings.history_ignore_guid_prefixes == ("local://",)
    assert not settings.history_include_marked_watched
    assert not settings.fallback_guid


def test_documented_names_with_and_without_prefix() -> None:
    settings = PlexSettings.from_options(
        {
            "plex.history.libraries": [1, "2"],
            "history_workers": 64.0,
            "plex.fallback_GUID": True,
            "history.include_marked_watched": True,
            "history_ignore_guid_prefixes": ["local://", "tv.plex.agents.none://"],
            "something_else": "left alone",
        }
    )
    assert settings == PlexSettings(
        history_libraries=frozenset({"1", "2"}),
        history_workers=64,
        fallback_guid=True,
        history_include_marked_watched=True,
        history_ignore_guid_prefixes=("local://", "tv.plex.agents.none://"),
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rating_workers", 0),
        ("rating_workers", 65),
        ("history_workers", 0),
        ("history_workers", 65),
        ("history_workers", 1.5),
        ("history_workers", True),
        ("history_workers", "6"),
        ("watchlist_query_limit", 0),
        ("watchlist_query_limit", 51),
        ("watchlist_write_delay_ms", -1),
        ("watchlist_write_delay_ms", 5001),
        ("watchlist_allow_pms_fallback", 1),
        ("fallback_GUID", "yes"),
        ("history.libraries", "1"),
        ("history.libraries", ["Movies"]),
        ("history.libraries", [""]),
        ("history.libraries", [None]),
        ("ratings.libraries", 1),
        ("history_ignore_guid_prefixes", "local://"),
        ("history_ignore_guid_prefixes", [""]),
    ],
)
def test_refused(key: str, value: Any) -> None:
    with pytest.raises(SettingError) as caught:
        PlexSettings.from_options({f"plex.{key}": value})
    assert caught.value.key == key


@pytest.mark.parametrize(("key", "value"), [("history_workers", 1), ("watchlist_write_delay_ms", 5000)])
def test_edges(key: str, value: int) -> None:
    assert getattr(PlexSettings.from_options({key: value}), key) == value
