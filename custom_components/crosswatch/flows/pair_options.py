"""Options of a sync pair: what it keeps in step, how often, and by which rules."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ..account import AccountConfigEntry, account_capabilities, account_entry
from ..const import (
    CONF_ACCOUNT,
    CONF_DIRECTION,
    CONF_FEATURES,
    CONF_INTERVAL,
    CONF_PROVIDER,
    CONF_RATINGS_LABEL,
    CONF_WATCHLIST_NAME,
    LONGEST_INTERVAL,
    PAIR_LIBRARIES,
    SHORTEST_INTERVAL,
    ProviderName,
)
from ..pair_settings import CONF_BRAKE, CONF_KINDS, CONF_TRUTH, NUMBERS, add_key, remove_key
from ..pairing import Problems, check_features
from ..providers.plex.account import PlexAccount
from ..sync.models import Direction, Feature, Kind, Side
from ..sync.provider import Capability
from .choices import async_ask
from .pair import features_schema
from .plex_options import async_libraries
from .settings import Groups, Setting, SettingsFlow, library_selector, selector_for

INTERVAL: Final = NumberSelector(
    NumberSelectorConfig(
        min=0, max=LONGEST_INTERVAL, step=1, unit_of_measurement="min", mode=NumberSelectorMode.BOX
    )
)
NAMES: Final = {Feature.WATCHLIST: CONF_WATCHLIST_NAME, Feature.RATINGS: CONF_RATINGS_LABEL}
"""What a pair may call differently at PublicMetaDB."""


class PairOptionsFlow(SettingsFlow):
    """What a pair keeps in step and how often; then the rules of each of these."""

    _chosen: dict[str, Any]
    """What the first step has settled."""
    _libraries: Sequence[SelectOptionDict] | None = None
    """None: there is no server, or it could not be asked."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose what is kept in step, and how often."""
        options = self.config_entry.options
        problems = Problems()
        if user_input is not None:
            self._check(user_input, problems)
            if not problems.errors:
                self._chosen = {
                    **{key: value for key, value in options.items() if key != CONF_BRAKE},
                    CONF_FEATURES: user_input[CONF_FEATURES],
                    CONF_INTERVAL: int(user_input[CONF_INTERVAL]),
                }
                if not user_input[CONF_BRAKE]:
                    self._chosen[CONF_BRAKE] = False
                return await self.async_step_pair_rules()
        schema = vol.Schema(
            {
                **features_schema(self.hass, options[CONF_FEATURES]).schema,
                vol.Required(CONF_INTERVAL): INTERVAL,
                vol.Required(CONF_BRAKE, default=True): BooleanSelector(),
            }
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or options),
            errors=problems.errors,
            description_placeholders={**problems.placeholders, "shortest": str(SHORTEST_INTERVAL)},
            last_step=False,
        )

    def _check(self, user_input: dict[str, Any], problems: Problems) -> None:
        found = check_features(self.hass, self.config_entry.data, user_input[CONF_FEATURES])
        problems.errors.update(found.errors)
        problems.placeholders = found.placeholders
        if 0 < user_input[CONF_INTERVAL] < SHORTEST_INTERVAL:
            problems.errors[CONF_INTERVAL] = "interval_too_short"

    async def async_step_pair_rules(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose the rules of what was chosen; those of anything else stay as they are."""
        notice = await self._async_ask_for_libraries() if user_input is None else None
        groups = self._groups()
        shown = {setting.key for settings in groups.values() for setting in settings}
        kept = {key: value for key, value in self._chosen.items() if key not in shown}
        return await self._async_settings("pair_rules", groups, user_input, notice, kept)

    async def _async_ask_for_libraries(self) -> dict[str, str] | None:
        """Ask the one server of the pair for its libraries; those that are stored can be kept anyway."""
        account = self._plex_account()
        if account is None or not {*PAIR_LIBRARIES.values()}.intersection(self._chosen[CONF_FEATURES]):
            return None
        self._libraries = await async_ask(async_libraries(self.hass, account))
        return {"base": "libraries_unknown"} if self._libraries is None else None

    # --- the pair -------------------------------------------------------------------------------

    @callback
    def _account(self, side: Side) -> AccountConfigEntry | None:
        return account_entry(self.hass, self.config_entry.data[side])

    @callback
    def _able(self, side: Side, feature: Feature) -> Capability | None:
        """Return what a side can do for a feature; None while its account is missing."""
        account = self._account(side)
        return None if account is None else account_capabilities(self.hass, account).get(feature)

    @callback
    def _accounts(self, provider: ProviderName) -> list[AccountConfigEntry]:
        entries = (self._account(side) for side in Side)
        return [entry for entry in entries if entry is not None and entry.data[CONF_PROVIDER] == provider]

    @callback
    def _plex_account(self) -> PlexAccount | None:
        """Return the account on the one server of the pair: two servers number their libraries alike."""
        entries = self._accounts(ProviderName.PLEX)
        if len(entries) != 1:
            return None
        account = PlexAccount.from_dict(entries[0].data[CONF_ACCOUNT])
        return account if account.server else None

    @property
    def _two_way(self) -> bool:
        return bool(self.config_entry.data[CONF_DIRECTION] == Direction.TWO_WAY)

    def _removes(self, feature: Feature) -> bool:
        """Whether a removal at one side can be told, and made at the other, or is wanted since it could."""
        ways = [(Side.SOURCE, Side.TARGET), (Side.TARGET, Side.SOURCE)]
        for here, there in ways if self._two_way else ways[:1]:
            told, made = self._able(here, feature), self._able(there, feature)
            if told is not None and told.absence_is_removal and made is not None and made.remove:
                return True
        return remove_key(feature) in self._chosen

    # --- the form -------------------------------------------------------------------------------

    def _groups(self) -> Groups:
        chosen = self._chosen[CONF_FEATURES]
        return {feature: self._settings_of(feature) for feature in Feature if feature in chosen}

    def _settings_of(self, feature: Feature) -> list[Setting]:
        """Return the settings of a feature. What is stored has its field, even if it would not be offered."""
        settings = [_switch(add_key(feature), default=True)]
        if self._removes(feature):
            settings.append(_switch(remove_key(feature), default=False))
        if feature is Feature.RATINGS:
            settings += [*self._truth(), *self._kinds()]
        settings += [_number(key) for key in NUMBERS if key.startswith(f"{feature}_")]
        name = NAMES.get(feature)
        if name is not None and (name in self._chosen or self._accounts(ProviderName.PUBLICMETADB)):
            settings.append(
                Setting(key=name, selector=TextSelector(), default="", read=lambda text: text.strip())
            )
        for key, of in PAIR_LIBRARIES.items():
            if of is feature and (key in self._chosen or self._plex_account() is not None):
                selector = library_selector(self._libraries or (), self._chosen.get(key, []))
                settings.append(Setting(key=key, selector=selector, default=[], read=list))
        return settings

    def _truth(self) -> list[Setting]:
        """Whose rating counts. One way it is the source's."""
        if not self._two_way:
            return []
        accounts = {side: self._account(side) for side in Side}
        selector = SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(value=side, label=side if account is None else account.title)
                    for side, account in accounts.items()
                ],
                mode=SelectSelectorMode.LIST,
            )
        )
        return [Setting(key=CONF_TRUTH, selector=selector, default=Side.SOURCE, read=str)]

    def _kinds(self) -> list[Setting]:
        """What can be rated at both sides."""
        able = [self._able(side, Feature.RATINGS) for side in Side]
        kinds = [str(kind) for kind in Kind if all(one is None or kind in one.kinds for one in able)]
        selector = SelectSelector(
            SelectSelectorConfig(
                options=kinds, multiple=True, mode=SelectSelectorMode.LIST, translation_key="kind"
            )
        )

        def read(chosen: Sequence[str]) -> list[str]:
            return [kind for kind in kinds if kind in chosen]

        return [Setting(key=CONF_KINDS, selector=selector, default=kinds, read=read)]


def _switch(key: str, *, default: bool) -> Setting:
    return Setting(key=key, selector=BooleanSelector(), default=default, read=bool)


def _number(key: str) -> Setting:
    number = NUMBERS[key]
    return Setting(
        key=key,
        selector=selector_for(key, number.default, number.minimum, number.maximum),
        default=number.default,
        read=_whole(number.minimum, number.maximum),
        minimum=number.minimum,
        maximum=number.maximum,
    )


def _whole(minimum: int, maximum: int) -> Callable[[float], int]:
    def read(value: float) -> int:
        if value != int(value) or not minimum <= value <= maximum:
            raise ValueError(value)
        return int(value)

    return read
