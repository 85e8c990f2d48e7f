"""Every guid form of the API reference, at every level (2.14)."""

import pytest

from custom_components.crosswatch.providers.plex.guids import Parsed, parse
from custom_components.crosswatch.sync.models import Ids, Kind

M, SH, SE, E = Kind.MOVIE, Kind.SHOW, Kind.SEASON, Kind.EPISODE
OLD = "com.plexapp.agents."
HEX = "5d776b8e96b655001fe14e31"

# (kind, main guid, own ids, show ids, numbers)
FORMS = [
    # matched by today's agents: ids are only in Guid[]
    (M, f"plex://movie/{HEX}", {}, {}, ()),
    (SH, f"plex://show/{HEX}", {}, {}, ()),
    (SE, f"plex://season/{HEX}", {}, {}, ()),
    (E, f"plex://episode/{HEX}", {}, {}, ()),
    # imdb
    (M, f"{OLD}imdb://tt0133093?lang=en", {"imdb": "tt0133093"}, {}, ()),
    (M, f"{OLD}imdb://tt0133093", {"imdb": "tt0133093"}, {}, ()),
    (SH, f"{OLD}imdb://tt0944947?lang=en", {"imdb": "tt0944947"}, {}, ()),
    (E, f"{OLD}imdb://tt0944947/1/2?lang=en", {}, {"imdb": "tt0944947"}, (1, 2)),
    # themoviedb
    (M, f"{OLD}themoviedb://603?lang=en", {"tmdb": 603}, {}, ()),
    (SH, f"{OLD}themoviedb://1399?lang=en", {"tmdb": 1399}, {}, ()),
    (SE, f"{OLD}themoviedb://1399/1?lang=en", {}, {"tmdb": 1399}, (1, None)),
    (E, f"{OLD}themoviedb://1399/1/2?lang=en", {}, {"tmdb": 1399}, (1, 2)),
    (M, f"{OLD}tmdb://603?lang=en", {"tmdb": 603}, {}, ()),
    (E, f"{OLD}tmdb://1399/1/2", {}, {"tmdb": 1399}, (1, 2)),
    # thetvdb: the show's id on every level
    (SH, f"{OLD}thetvdb://121361?lang=en", {"tvdb": 121361}, {}, ()),
    (SE, f"{OLD}thetvdb://121361/6?lang=en", {}, {"tvdb": 121361}, (6, None)),
    (E, f"{OLD}thetvdb://121361/6/1?lang=en", {}, {"tvdb": 121361}, (6, 1)),
    (E, f"{OLD}thetvdb://121361/0/5?lang=en", {}, {"tvdb": 121361}, (0, 5)),
    (E, f"{OLD}thetvdb://121361/0/0?lang=en", {}, {"tvdb": 121361}, (0, 0)),
    (SE, f"{OLD}thetvdb://121361/0?lang=en", {}, {"tvdb": 121361}, (0, None)),
    (E, f"{OLD.upper()}THETVDB://121361/6/1?lang=en", {}, {"tvdb": 121361}, (6, 1)),
    # nfo agents of old
    (M, f"{OLD}xbmcnfo://tt0133093?lang=en", {"imdb": "tt0133093"}, {}, ()),
    (M, f"{OLD}xbmcnfo://603?lang=en", {"tmdb": 603}, {}, ()),
    (SH, f"{OLD}xbmcnfotv://121361?lang=en", {"tvdb": 121361}, {}, ()),
    (E, f"{OLD}xbmcnfotv://121361/6/1?lang=en", {}, {"tvdb": 121361}, (6, 1)),
    # hama without a mode keeps the order of its source
    (SH, f"{OLD}hama://tvdb-12345?lang=en", {"tvdb": 12345}, {}, ()),
    (E, f"{OLD}hama://tvdb-12345/1/2?lang=en", {}, {"tvdb": 12345}, (1, 2)),
    (E, f"{OLD}hama://tmdb-1399/1/2?lang=en", {}, {"tmdb": 1399}, (1, 2)),
    (SH, f"{OLD}hama://tsdb-1399?lang=en", {"tmdb": 1399}, {}, ()),
    (M, f"{OLD}hama://imdb-tt0133093?lang=en", {"imdb": "tt0133093"}, {}, ()),
    # nfo agents of today
    (M, "tv.plex.agents.nfo.movie://movie/tmdb_383498", {"tmdb": 383498}, {}, ()),
    (M, "tv.plex.agents.nfo.movie://movie/imdb_tt0133093", {"imdb": "tt0133093"}, {}, ()),
    (SH, "tv.plex.agents.nfo.series://show/tvdb_121361", {"tvdb": 121361}, {}, ()),
    # bare ids
    (M, "tmdb://603", {"tmdb": 603}, {}, ()),
    (M, "imdb://tt0133093", {"imdb": "tt0133093"}, {}, ()),
]


@pytest.mark.parametrize(("kind", "guid", "own", "show", "numbers"), FORMS)
def test_forms(
    kind: Kind, guid: str, own: dict[str, int | str], show: dict[str, int | str], numbers: tuple[int, ...]
) -> None:
    season, episode = numbers or (None, None)
    parsed = parse(kind, guid)
    assert parsed == Parsed(
        own=Ids(**own, guid=guid),  # type: ignore[arg-type]
        show=Ids(**show),  # type: ignore[arg-type]
        season=season,
        episode=episode,
    )


NOTHING = [
    # no id in them, and of one server only
    (M, "local://14542"),
    (E, "local://14542"),
    (M, f"{OLD}none://2b4c0b1e-7c1f-4c1a-9d55-3b0a?lang=xn"),
    (E, "tv.plex.agents.none://2b4c0b1e"),
    (M, f"{OLD}localmedia://x?lang=en"),
    (M, f"{OLD}cmdb://123?lang=en"),
    (SH, f"{OLD}ytinforeader://youtube-abc|UC1?lang=en"),
    (M, "tv.plex.agents.custom.mine://movie/603"),
    # source unknown, or another level than it says
    (M, "tv.plex.agents.nfo.movie://movie/383498"),
    (M, "tv.plex.agents.nfo.movie://show/tvdb_121361"),
    (SH, "tv.plex.agents.nfo.series://movie/tmdb_603"),
    (M, "tv.plex.agents.nfo.series://show/tvdb_121361"),
    (M, f"{OLD}thetvdb://121361?lang=en"),
    (M, f"{OLD}xbmcnfotv://121361?lang=en"),
    (SH, f"{OLD}xbmcnfo://603?lang=en"),
    # not ids
    (M, f"{OLD}imdb://tt123?lang=en"),
    (M, f"{OLD}imdb://tt12345678901?lang=en"),
    (M, f"{OLD}imdb://0133093?lang=en"),
    (M, f"{OLD}themoviedb://0?lang=en"),
    (M, f"{OLD}themoviedb://-603?lang=en"),
    (M, f"{OLD}themoviedb://603abc?lang=en"),
    (SH, f"{OLD}hama://foo-12345?lang=en"),
    (SH, f"{OLD}hama://12345?lang=en"),
    (M, ""),
    (M, None),
    (M, "603"),
    (M, "://603"),
    # the scheme stands at the start
    (M, "x/imdb://tt0133093"),
    (M, f"x{OLD}imdb://tt0133093"),
    (M, f"plex.tv/{OLD}imdb://tt0133093"),
]


@pytest.mark.parametrize(("kind", "guid"), NOTHING)
def test_nothing_to_trust(kind: Kind, guid: str | None) -> None:
    assert parse(kind, guid) == Parsed()


@pytest.mark.parametrize(
    ("kind", "guid"),
    [
        (E, f"{OLD}thetvdb://121361?lang=en"),
        (E, f"{OLD}thetvdb://121361/6?lang=en"),
        (SE, f"{OLD}thetvdb://121361?lang=en"),
        (E, f"{OLD}imdb://tt0944947?lang=en"),
        (E, "tvdb://121361"),
        (M, f"{OLD}themoviedb://1399/1/2?lang=en"),
    ],
)
def test_level_is_not_told(kind: Kind, guid: str) -> None:
    """Without its numbers nobody knows whether the id is the show's or the episode's."""
    assert parse(kind, guid) == Parsed(own=Ids(guid=guid))


@pytest.mark.parametrize(
    ("guid", "show"),
    [
        (f"{OLD}hama://tvdb2-12345/1/26?lang=en", Ids(tvdb=12345)),
        (f"{OLD}hama://tvdb3-12345/1/26?lang=en", Ids(tvdb=12345)),
        (f"{OLD}hama://tvdb4-12345/1/26?lang=en", Ids(tvdb=12345)),
        (f"{OLD}hama://anidb-6662/1/3?lang=en", Ids()),
        (f"{OLD}hama://anidb2-6662/1/3?lang=en", Ids()),
    ],
)
def test_renumbered(guid: str, show: Ids) -> None:
    parsed = parse(E, guid)
    assert not parsed.numbered
    assert parsed.show == show
    assert parsed.own == Ids(guid=guid)


@pytest.mark.parametrize(
    ("kind", "guid", "external", "own", "conflict"),
    [
        (M, None, ["imdb://tt0133093", "tmdb://603", "tvdb://169"], Ids(603, "tt0133093", 169), False),
        (E, None, ["imdb://tt35670500", "tmdb://5580253"], Ids(5580253, "tt35670500"), False),
        (M, None, ["TMDB://603", "imdb://TT0133093"], Ids(603, "tt0133093"), False),
        # of two the smaller, whatever the order
        (M, None, ["tmdb://700", "tmdb://603"], Ids(603), True),
        (M, None, ["tmdb://1000", "tmdb://700"], Ids(700), True),
        (M, None, ["imdb://tt10000000", "imdb://tt9999999"], Ids(imdb="tt9999999"), True),
        (M, None, ["tmdb://603", "tmdb://603"], Ids(603), False),
        # what Guid[] says wins over the main guid
        (
            M,
            f"{OLD}themoviedb://1?lang=en",
            ["tmdb://603"],
            Ids(603, guid=f"{OLD}themoviedb://1?lang=en"),
            True,
        ),
        (
            M,
            f"{OLD}themoviedb://603",
            ["imdb://tt0133093"],
            Ids(603, "tt0133093", guid=f"{OLD}themoviedb://603"),
            False,
        ),
        # not ids of ours
        (
            M,
            None,
            ["anidb://12", "tmdb://0", "tmdb://x", "tmdb:603", "imdb://603", "xtmdb://603"],
            Ids(),
            False,
        ),
    ],
)
def test_external_ids(kind: Kind, guid: str | None, external: list[str], own: Ids, conflict: bool) -> None:
    parsed = parse(kind, guid, external)
    assert parsed.own == own
    assert parsed.conflict is conflict


def test_legacy_episode_guid_never_names_the_episode() -> None:
    parsed = parse(E, f"{OLD}thetvdb://121361/6/1?lang=en", ["tvdb://5555"])
    assert parsed.own.tvdb == 5555
    assert parsed.show.tvdb == 121361
    assert not parsed.conflict
