"""Every documented key, its default and its range."""

from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import KEYS, PublicMetaDBSettings

DOCUMENTED = {
    "api_key",
    "base_url",
    "timeout",
    "max_retries",
    "watchlist_list_id",
    "watchlist_name",
    "watchlist_auto_create",
    "watchlist_page_size",
    "history_per_page",
    "history_max_pages",
    "progress_per_page",
    "progress_max_pages",
    "ratings_label",
    "ratings_submit_per_hour",
    "ratings_update_per_hour",
    "rate_limit.get_per_sec",
    "rate_limit.post_per_sec",
}

read = PublicMetaDBSettings.from_options


def value(key: str, given: Any) -> Any:
    """Return what becomes of one setting."""
    return getattr(read({key: given}), key.rpartition(".")[2])


def test_keys_are_the_documented_ones() -> None:
    """No more, no less."""
    assert set(KEYS) == DOCUMENTED


def test_defaults() -> None:
    """Those of the adapter document, also for blank values."""
    default = read({})
    assert default == PublicMetaDBSettings() == read(dict.fromkeys(KEYS)) == read(dict.fromkeys(KEYS, " "))
    assert default.base_url == "https://publicmetadb.com"
    assert default.timeout == 15.0
    assert default.max_retries == 3
    assert default.ratings_label == "Overall"
    assert (default.get_per_sec, default.post_per_sec) == (20, 3)
    assert (default.ratings_submit_per_hour, default.ratings_update_per_hour) == (200, 100)
    assert default.watchlist_name == "Watchlist"
    assert default.watchlist_auto_create is True


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    [
        ("api_key", "  pm-x ", "pm-x"),
        ("base_url", " http://192.168.1.5:8080/base// ", "http://192.168.1.5:8080/base"),
        ("base_url", "HTTPS://PublicMetaDB.com:443/", "https://publicmetadb.com"),
        ("timeout", "7.5", 7.5),
        ("max_retries", 0, 1),
        ("max_retries", "5", 5),
        ("watchlist_list_id", " abc ", "abc"),
        ("watchlist_page_size", 0, 1),
        ("history_per_page", 501, 500),
        ("history_per_page", 100.0, 100),
        ("history_max_pages", 0, 1),
        ("progress_max_pages", 10**9, 100_000),
        ("ratings_label", " Story ", "Story"),
        ("ratings_submit_per_hour", 0, 200),
        ("ratings_submit_per_hour", 1000, 200),
        ("ratings_submit_per_hour", 20, 20),
        ("ratings_update_per_hour", 0, 100),
        ("ratings_update_per_hour", 101, 100),
        ("rate_limit.get_per_sec", 100, 20),
        ("rate_limit.get_per_sec", -1, 0),
        ("rate_limit.post_per_sec", 0, 0),
        ("rate_limit.post_per_sec", "0.5", 0.5),
        ("rate_limit.post_per_sec", 10, 3),
    ],
)
def test_values(key: str, given: Any, expected: Any) -> None:
    """Trimmed, and moved into their range."""
    assert value(key, given) == expected


def test_pacing_keys_may_be_nested() -> None:
    """As they are in a YAML or JSON file."""
    assert read({"rate_limit": {"get_per_sec": 5, "post_per_sec": 1}}) == PublicMetaDBSettings(
        get_per_sec=5, post_per_sec=1
    )


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("api_key", 5),
        ("base_url", "publicmetadb.com"),
        ("base_url", "ftp://publicmetadb.com"),
        ("base_url", "https://"),
        ("base_url", "https://me:secret@publicmetadb.com"),
        ("base_url", "https://publicmetadb.com/?a=b"),
        ("base_url", "https://publicmetadb.com:port"),
        ("timeout", 0),
        ("timeout", "soon"),
        ("timeout", "nan"),
        ("timeout", True),
        ("max_retries", 2.5),
        ("max_retries", []),
        ("watchlist_auto_create", "perhaps"),
        ("watchlist_auto_create", 2),
        ("history_per_page", "many"),
        ("ratings_submit_per_hour", "x"),
        ("rate_limit.get_per_sec", "inf"),
        ("rate_limit", 5),
        ("history_perpage", 5),
    ],
)
def test_unreadable_values_are_errors(key: str, given: Any) -> None:
    """A mistake is told by name, never replaced by a default; the value isn't repeated."""
    with pytest.raises(ValueError, match=key) as caught:
        read({key: given})
    assert str(given) not in str(caught.value).removeprefix(f"{key}: ")


def test_key_is_not_shown() -> None:
    """Settings may end up in a log."""
    assert "pm-x" not in repr(read({"api_key": "pm-x"}))
