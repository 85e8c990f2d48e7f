"""Fill the Plex simulators from a generated library."""

from dataclasses import dataclass, field

from tests.simulators.library import Copy, Episode, Ids, Library, Match, Role, Title
from tests.simulators.plex.cloud import PlexCloud
from tests.simulators.plex.cloud.accounts import User
from tests.simulators.plex.pms import PlexMediaServer
from tests.simulators.plex.state import Item, Kind, Section


@dataclass(slots=True)
class Populated:
    """Who and what the library has become, to look things up by."""

    users: dict[str, User] = field(default_factory=dict)
    """By the person's name."""
    items: dict[tuple[int, int | None], list[Item]] = field(default_factory=dict)
    """By (place of the title, place of the episode; None for the movie or show itself)."""
    seasons: dict[tuple[int, int], list[Item]] = field(default_factory=dict)
    """By (place of the title, season number)."""


def populate(pms: PlexMediaServer, cloud: PlexCloud, library: Library) -> Populated:
    """Create the people, the server's libraries, Discover's titles and everything people did."""
    done = Populated()
    pms.state.journaling = False
    for title in library.titles:
        cloud.add_title(title)
    sections = {s.title: pms.add_section(s.title, s.kind, s.agent) for s in library.sections}
    _add_people(pms, cloud, library, done)
    gone: list[Item] = []
    for copy in library.copies:
        item = _add_copy(pms, library, sections[copy.section], copy, done)
        if copy.deleted:
            gone.append(item)
    _add_activity(pms, cloud, library, done)
    for item in gone:
        pms.delete_item(item)
    pms.state.journaling = True
    return done


def _add_people(pms: PlexMediaServer, cloud: PlexCloud, library: Library, done: Populated) -> None:
    owner: User | None = None
    for person in library.people:
        match person.role:
            case Role.OWNER:
                owner = user = cloud.add_user(person.name, pin=person.pin)
                cloud.add_server(pms, owner)
            case Role.HOME | Role.MANAGED:
                assert owner is not None
                managed = person.role is Role.MANAGED
                user = cloud.add_home_user(owner, person.name, managed=managed, pin=person.pin)
            case Role.FRIEND:
                assert owner is not None
                user = cloud.add_friend(owner, person.name)
        if person.role is not Role.OWNER:
            cloud.share(pms, user)
        done.users[person.name] = user


def _known(ids: Ids, copy: Copy) -> Ids:
    if copy.match is not Match.MODERN:
        return Ids()
    hidden = copy.hidden
    if not hidden:
        return ids
    return Ids(
        None if "imdb" in hidden else ids.imdb,
        None if "tmdb" in hidden else ids.tmdb,
        None if "tvdb" in hidden else ids.tvdb,
    )


def _guid(kind: Kind, title: Title, copy: Copy, key: str, numbers: tuple[int, ...] = ()) -> str:
    """The main guid in the form the copy's agent gives it (2.14)."""
    match copy.match:
        case Match.MODERN:
            return f"plex://{kind}/{key}"
        case Match.UNMATCHED:
            return f"local://{int(key[:8], 16)}"
        case Match.LEGACY:
            if title.kind == "movie":
                return f"com.plexapp.agents.imdb://{title.ids.imdb}?lang=en"
            path = "/".join(str(number) for number in (title.ids.tvdb, *numbers))
            return f"com.plexapp.agents.thetvdb://{path}?lang=en"


def _add_copy(pms: PlexMediaServer, library: Library, section: Section, copy: Copy, done: Populated) -> Item:
    title = library.titles[copy.title]
    added = library.as_of - 9 * 365 * 86_400 + copy.title
    guid = _guid(title.kind, title, copy, title.plex_key)
    if title.kind == "movie":
        item = pms.add_movie(
            section,
            title.title,
            guid=guid,
            ids=_known(title.ids, copy),
            year=title.year,
            duration=title.duration,
            aired=title.released,
            added_at=added,
        )
        done.items.setdefault((copy.title, None), []).append(item)
        return item
    show = pms.add_show(
        section,
        title.title,
        guid=guid,
        ids=_known(title.ids, copy),
        year=title.year,
        aired=title.released,
        added_at=added,
    )
    done.items.setdefault((copy.title, None), []).append(show)
    for number, key in title.season_keys:
        season = pms.add_season(show, number, guid=_guid("season", title, copy, key, (number,)))
        season.added_at = season.updated_at = added
        done.seasons.setdefault((copy.title, number), []).append(season)
    for place, episode in enumerate(title.episodes):
        item = _add_episode(pms, title, copy, show, episode, added)
        done.items.setdefault((copy.title, place), []).append(item)
    return show


def _add_episode(
    pms: PlexMediaServer, title: Title, copy: Copy, show: Item, episode: Episode, added: int
) -> Item:
    numbers = (episode.season, episode.number)
    return pms.add_episode(
        show,
        episode.season,
        episode.number,
        episode.title,
        guid=_guid("episode", title, copy, episode.plex_key, numbers),
        ids=_known(episode.ids, copy),
        year=int(episode.aired[:4]),
        duration=episode.duration,
        aired=episode.aired,
        added_at=added,
    )


def _add_activity(pms: PlexMediaServer, cloud: PlexCloud, library: Library, done: Populated) -> None:
    accounts = {name: cloud.account_id(user, pms) for name, user in done.users.items()}
    for seen in library.watched:
        for item in done.items.get((seen.title, seen.episode), ())[:1]:
            pms.play(accounts[seen.person], item, seen.at, logged=seen.logged)
    for rated in library.rated:
        if rated.season is not None:
            items = done.seasons.get((rated.title, rated.season), [])
        else:
            items = done.items.get((rated.title, rated.episode), [])
        for item in items[:1]:
            pms.rate(accounts[rated.person], item, rated.value, rated.at)
    for resume in library.resumes:
        for item in done.items.get((resume.title, resume.episode), ())[:1]:
            state = pms.state.write(accounts[resume.person], item.guid)
            state.view_offset = resume.offset
            state.last_viewed_at = max(state.last_viewed_at or 0, resume.at)
    for wanted in library.wanted:
        key = library.titles[wanted.title].plex_key
        cloud.watchlists.setdefault(done.users[wanted.person].id, {})[key] = wanted.at
