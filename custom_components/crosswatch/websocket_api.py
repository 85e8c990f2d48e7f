"""Live state of the pairs over the websocket: docs/websocket.md."""

from collections.abc import Callable
from typing import Any

from homeassistant.components import websocket_api
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import voluptuous as vol

from .const import CONF_KIND, DOMAIN, EntryKind
from .coordinator import PairConfigEntry
from .message import pair_head, pair_message, progress_message
from .pairs import loaded_pairs
from .progress import Running
from .texts import Texts, async_texts


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    websocket_api.async_register_command(hass, websocket_pairs)
    websocket_api.async_register_command(hass, websocket_subscribe)


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/pairs"})
@callback
def websocket_pairs(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection, msg: dict[str, Any]
) -> None:
    """List the pairs."""
    pairs = sorted(loaded_pairs(hass), key=lambda entry: entry.title)
    connection.send_result(msg["id"], {"pairs": [pair_head(hass, entry) for entry in pairs]})


@websocket_api.websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/subscribe",
        vol.Exclusive("entry_id", "pair"): str,
        vol.Exclusive("device_id", "pair"): str,
        vol.Optional("language"): str,
    }
)
@websocket_api.async_response
async def websocket_subscribe(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection, msg: dict[str, Any]
) -> None:
    """Tell of one pair or all of them, now and whenever something changes."""
    texts = await async_texts(hass, msg.get("language"))
    wanted = _wanted(hass, msg)

    @callback
    def send(event: dict[str, Any]) -> None:
        connection.send_message(websocket_api.event_message(msg["id"], event))

    subscription = Subscription(hass, texts, wanted, send)
    connection.subscriptions[msg["id"]] = subscription.async_stop
    connection.send_result(msg["id"])
    subscription.async_start()


@callback
def _wanted(hass: HomeAssistant, msg: dict[str, Any]) -> Callable[[str], bool]:
    """Return whether a pair, by the id of its entry, is asked for. A pair may come to be later."""
    if (entry_id := msg.get("entry_id")) is not None:
        return lambda each: each == entry_id
    if (device_id := msg.get("device_id")) is not None:

        def of_device(each: str) -> bool:
            device = dr.async_get(hass).async_get(device_id)
            return device is not None and device.config_entry_id == each

        return of_device
    return lambda _each: True


class Subscription:
    """Follows pairs for one reader. What has not changed is not sent again."""

    def __init__(
        self,
        hass: HomeAssistant,
        texts: Texts,
        wanted: Callable[[str], bool],
        send: Callable[[dict[str, Any]], None],
    ) -> None:
        """Nothing is followed yet."""
        self._hass = hass
        self._texts = texts
        self._wanted = wanted
        self._send = send
        self._followed: dict[str, list[CALLBACK_TYPE]] = {}
        self._sent: dict[str, dict[str, Any]] = {}
        self._shown: dict[str, tuple[object, ...]] = {}
        self._unsub: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Tell of what there is, and follow it."""
        self._unsub = async_dispatcher_connect(
            self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._async_entry_changed
        )
        for entry in loaded_pairs(self._hass):
            self._async_follow(entry)

    @callback
    def async_stop(self) -> None:
        """Follow nothing any more."""
        if self._unsub is not None:
            self._unsub()
        for entry_id in tuple(self._followed):
            self._async_leave(entry_id)

    @callback
    def _async_entry_changed(self, _change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Take in that an entry came, went, or changed its state or its name."""
        if entry.domain != DOMAIN:
            return
        if entry.data.get(CONF_KIND) != EntryKind.PAIR:
            # the accounts of a pair are part of what is told of it
            for pair in loaded_pairs(self._hass):
                if pair.entry_id in self._followed and entry.unique_id in pair.runtime_data.accounts.values():
                    self._async_tell(pair)
        elif entry.state is not ConfigEntryState.LOADED:
            if entry.entry_id in self._followed:
                self._async_leave(entry.entry_id)
                self._send({"type": "gone", "entry_id": entry.entry_id})
        elif entry.entry_id in self._followed:
            self._async_tell(entry)
        else:
            self._async_follow(entry)

    @callback
    def _async_follow(self, entry: PairConfigEntry) -> None:
        if not self._wanted(entry.entry_id):
            return
        pair = entry.runtime_data

        @callback
        def told() -> None:
            # listeners are called for every step of a run as well, when nothing else has changed
            shown = (pair.data, pair.preview, pair.status, pair.next_run, pair.automatic)
            before = self._shown.get(entry.entry_id, ())
            if len(before) != len(shown) or any(a is not b for a, b in zip(before, shown, strict=True)):
                self._shown[entry.entry_id] = shown
                self._async_tell(entry)

        @callback
        def moved(running: Running | None) -> None:
            progress = None if running is None else progress_message(running, self._texts)
            self._send({"type": "progress", "entry_id": entry.entry_id, "progress": progress})

        self._followed[entry.entry_id] = [pair.async_add_listener(told), pair.on_progress.async_add(moved)]
        self._async_tell(entry)

    @callback
    def _async_leave(self, entry_id: str) -> None:
        self._sent.pop(entry_id, None)
        self._shown.pop(entry_id, None)
        for unsubscribe in self._followed.pop(entry_id):
            unsubscribe()

    @callback
    def _async_tell(self, entry: PairConfigEntry) -> None:
        message = pair_message(self._hass, entry, self._texts)
        # how far a run is has events of its own
        known = {key: value for key, value in message.items() if key != "progress"}
        if known != self._sent.get(entry.entry_id):
            self._sent[entry.entry_id] = known
            self._send({"type": "state", "pair": message})
