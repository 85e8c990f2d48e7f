"""Users, tokens, PINs, servers and shares of plex.tv (API reference sections 1.2 to 1.6)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.simulators.plex.pms import PlexMediaServer

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
FIRST_USER_ID: Final = 12_345_678


@dataclass(slots=True, eq=False)
class User:
    """A plex.tv user. Managed users have neither username nor e-mail (1.5)."""

    id: int
    uuid: str
    title: str
    username: str = ""
    email: str = ""
    pin: str | None = None
    admin: bool = False
    restricted: bool = False
    guest: bool = False
    home: User | None = None
    """The admin of the Plex Home the user belongs to; the admin itself for the admin."""
    friends: list[User] = field(default_factory=list)
    switches: int = 0
    """Switches to this user."""
    view_state_sync: bool = False

    @property
    def name(self) -> str:
        """How clients show the user."""
        return self.username or self.title


@dataclass(slots=True, eq=False)
class Pin:
    """A login PIN; `token` is set when it is claimed."""

    id: int
    code: str
    client: str
    product: str
    created_at: int
    expires_at: int
    strong: bool
    token: str | None = None
    polled_at: float = 0.0


@dataclass(slots=True, eq=False)
class Share:
    """A server one user can reach with a token of its own."""

    pms: PlexMediaServer
    user: User
    token: str
    sections: frozenset[int] | None = None


class Accounts:
    """Everything plex.tv knows about people."""

    def __init__(self, seed: int = 5) -> None:
        """Make ids and tokens from the seed."""
        self._rng = random.Random(seed)
        self.users: list[User] = []
        self.tokens: dict[str, User] = {}
        self.pins: dict[int, Pin] = {}
        self.servers: dict[str, tuple[PlexMediaServer, User]] = {}
        self.shares: list[Share] = []
        self._ids: dict[int, User] = {}

    def random_text(self, length: int) -> str:
        """Letters and digits."""
        return "".join(self._rng.choices(_ALPHABET, k=length))

    def add(
        self,
        title: str,
        *,
        username: str | None = None,
        email: str | None = None,
        pin: str | None = None,
        user_id: int | None = None,
    ) -> User:
        """Add a user with a plex.tv account of its own."""
        name = title.lower() if username is None else username
        user = User(
            id=user_id or FIRST_USER_ID + 1111 * len(self.users),
            uuid=f"{self._rng.getrandbits(64):016x}",
            title=title,
            username=name,
            email=f"{name}@example.org" if email is None else email,
            pin=pin,
        )
        self.users.append(user)
        self._ids[user.id] = user
        return user

    def find(self, who: str) -> User | None:
        """A user by id, uuid, username or title."""
        for user in self.users:
            if who in (str(user.id), user.uuid, user.username, user.title):
                return user
        return None

    def home_of(self, user: User) -> list[User]:
        """Everyone in the user's Plex Home, the admin first; alone without one."""
        if user.home is None:
            return [user]
        return [one for one in self.users if one.home is user.home]

    def new_token(self, user: User) -> str:
        """A fresh account token, as each sign-in or switch gives."""
        token = self.random_text(20)
        self.tokens[token] = user
        return token

    def token_of(self, user: User) -> str:
        """Some valid account token of the user."""
        for token, owner in self.tokens.items():
            if owner is user:
                return token
        return self.new_token(user)

    def shares_of(self, user: User) -> list[Share]:
        """The servers the user reaches."""
        return [share for share in self.shares if share.user is user]

    def share_of(self, user: User, pms: PlexMediaServer) -> Share | None:
        """The user's way to one server."""
        return next((s for s in self.shares_of(user) if s.pms is pms), None)

    def add_share(self, pms: PlexMediaServer, user: User, sections: Iterable[int] | None = None) -> Share:
        """Let a user reach a server."""
        allowed = None if sections is None else frozenset(sections)
        share = Share(pms, user, self.random_text(20), allowed)
        self.shares.append(share)
        return share

    def create_pin(self, *, client: str, product: str, strong: bool, now: int, life: int) -> Pin:
        """Create a PIN: 25 characters for a browser, 4 to type."""
        pin = Pin(
            id=918_273_000 + len(self.pins),
            code=self.random_text(25) if strong else self.random_text(4).upper(),
            client=client,
            product=product,
            created_at=now,
            expires_at=now + life,
            strong=strong,
        )
        self.pins[pin.id] = pin
        return pin

    def pin_by_code(self, code: str, now: int) -> Pin | None:
        """A PIN that is still open or claimed, not an expired one."""
        for pin in self.pins.values():
            if pin.code.lower() == code.lower() and pin.expires_at > now:
                return pin
        return None
