"""Who wants to be told of something that is no state of an entity."""

from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback


class Listeners[*Told]:
    """Callbacks, told in the order in which they came."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._listeners: list[Callable[[*Told], None]] = []

    @callback
    def async_add(self, listener: Callable[[*Told], None]) -> CALLBACK_TYPE:
        """Tell the listener from now on, until what is returned is called."""
        self._listeners.append(listener)

        @callback
        def remove() -> None:
            self._listeners.remove(listener)

        return remove

    @callback
    def async_tell(self, *told: *Told) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            listener(*told)
