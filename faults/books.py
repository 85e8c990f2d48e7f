"""What must lie at each service, and what of it was ever missing or there too often."""

from collections import Counter

from .things import Held, Things, of
from .world import Place, Title


class Books:
    """Kept over the things of one feature, from a moment on at which both services agree.

    What a person adds has to stay where it was added and to arrive at the other service; what has
    arrived has to stay as well. What a person removed has to go at both.
    """

    def __init__(self, things: Things, *, removals: bool) -> None:
        """Take what lies there now for right. `removals`: whether they travel."""
        self._things = things
        self._removals = removals
        self._stays = {place: things.held(place) for place in Place}
        self._due = {place: things.held(place) for place in Place}
        self._may = {place: things.held(place) for place in Place}
        self._lost: dict[Place, Held] = {place: Counter() for place in Place}
        self._doubled: dict[Place, Held] = {place: Counter() for place in Place}

    def put(self, place: Place, title: Title) -> None:
        """Let the person add, or change, what belongs to the title."""
        self._things.put(place, title)
        self._replace(place, title, of(title, self._things.held(place)))
        self._stays[place] += of(title, self._things.held(place))
        self._replace(place.other, title, self._things.due(place.other, title))

    def take(self, place: Place, title: Title) -> None:
        """Let the person remove what belongs to the title."""
        self._things.take(place, title)
        self._replace(place, title, of(title, self._things.held(place)))
        if self._removals:
            self._replace(place.other, title, self._things.left(place.other, title))

    def _replace(self, place: Place, title: Title, new: Held) -> None:
        """Expect something else of a title; what lies there may lie there until then."""
        old = of(title, self._due[place])
        if old == new:
            return
        self._due[place] = self._due[place] - old + new
        self._stays[place] -= of(title, self._stays[place])
        self._may[place] |= self._due[place]

    def look(self) -> None:
        """Count what is missing or too much at this moment."""
        for place in Place:
            held = self._things.held(place)
            self._lost[place] |= self._stays[place] - held
            self._doubled[place] |= held - self._may[place]
            self._stays[place] |= held & self._due[place]

    def close(self) -> None:
        """Count what is missing or too much now that all is over."""
        for place in Place:
            held = self._things.held(place)
            self._lost[place] |= self._due[place] - held
            self._doubled[place] |= held - self._due[place]

    @property
    def in_step(self) -> bool:
        """Whether everything is where it has to be."""
        return all(self._things.held(place) == self._due[place] for place in Place)

    @property
    def due(self) -> int:
        """How many things each service has to hold, the one that holds fewer of them."""
        return min(due.total() for due in self._due.values())

    @property
    def there(self) -> int:
        """How many of them are there, at the service where fewer are."""
        return min((self._due[place] & self._things.held(place)).total() for place in Place)

    @property
    def lost(self) -> int:
        """What was missing, or had another date or value, at any look."""
        return sum(lost.total() for lost in self._lost.values())

    @property
    def doubled(self) -> int:
        """What lay there beyond what should, at any look."""
        return sum(doubled.total() for doubled in self._doubled.values())

    def complaints(self) -> list[str]:
        """Name what was lost and doubled, for a person who looks for the reason."""
        return [
            f"{word} at {place}: {title.kind} {title.number} {title.season} {title.episode} {value} ×{count}"
            for word, counted in (("lost", self._lost), ("doubled", self._doubled))
            for place, found in counted.items()
            for (title, value), count in found.items()
        ]
