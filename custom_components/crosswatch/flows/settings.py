"""Forms for the settings of an account or a pair, made from what is known about each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, override

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    BooleanSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

UNITS: Final = {
    "timeout": "s",
    "watchlist_write_delay_ms": "ms",
    "history_window": "min",
    "progress_minimum": "s",
    "progress_change": "s",
    "progress_maximum": "%",
    "progress_tolerance": "s",
}
"""Units of settings that have one."""


class NumberField(NumberSelector):
    """A number. The dialog shows the range; a number outside is told in the user's language, by us."""

    @override
    def __call__(self, data: Any) -> float:
        value: float = vol.Coerce(float)(data)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting under its documented name. `read` returns what is stored, or raises ValueError.

    `default` is what nothing needs to be stored for; the limits are there for numbers that have them.
    What is not `usable` stays at its default, whatever is stored.
    """

    key: str
    selector: Selector[Any]
    default: Any
    read: Callable[[Any], Any]
    minimum: float | None = None
    maximum: float | None = None
    usable: bool = True

    @property
    def name(self) -> str:
        """Name in the form: texts can't have dots or capitals in their keys."""
        return self.key.replace(".", "_").lower()

    @property
    def limits(self) -> Mapping[str, str]:
        """Limits by the names that the texts use."""
        limits = {"min": self.minimum, "max": self.maximum}
        return {f"{self.name}_{end}": f"{limit:.12g}" for end, limit in limits.items() if limit is not None}

    def switched_off(self) -> Setting:
        """Return a switch that shows itself off and can't be used."""
        return replace(self, selector=BooleanSelector(BooleanSelectorConfig(read_only=True)), usable=False)


def library_selector(options: Sequence[SelectOptionDict], stored: Sequence[str]) -> SelectSelector:
    """Return a choice of libraries. What is stored but no longer there can be kept or left out."""
    return SelectSelector(
        SelectSelectorConfig(
            options=_with_stored(options, stored), multiple=True, mode=SelectSelectorMode.LIST
        )
    )


def list_selector(options: Sequence[SelectOptionDict], stored: str) -> SelectSelector:
    """Return a choice of one list, where an id can be typed as well."""
    return SelectSelector(
        SelectSelectorConfig(
            options=_with_stored(options, [stored] if stored else []),
            mode=SelectSelectorMode.DROPDOWN,
            custom_value=True,
        )
    )


def _with_stored(options: Sequence[SelectOptionDict], stored: Sequence[str]) -> list[SelectOptionDict]:
    known = {option["value"] for option in options}
    return [*options, *(SelectOptionDict(value=each, label=each) for each in stored if each not in known)]


def selector_for(
    key: str, default: Any, minimum: float | None = None, maximum: float | None = None
) -> Selector[Any]:
    """Return the field for values like the default."""
    match default:
        case bool():
            return BooleanSelector()
        case int() | float():
            limits = {"min": minimum, "max": maximum}
            config = NumberSelectorConfig(
                mode=NumberSelectorMode.BOX,
                step=1 if isinstance(default, int) else "any",
                **{end: limit for end, limit in limits.items() if limit is not None},  # type: ignore[typeddict-item]
            )
            if key in UNITS:
                config["unit_of_measurement"] = UNITS[key]
            return NumberField(config)
        case str():
            return TextSelector()
        case _:
            return TextSelector(TextSelectorConfig(multiple=True))


type Groups = Mapping[str, Sequence[Setting]]
"""Settings by the section of the form that they are in."""


class SettingsFlow(OptionsFlowWithReload):
    """Options of an account or a pair. A change reloads it and nothing else."""

    async def _async_settings(
        self,
        step_id: str,
        groups: Groups,
        user_input: dict[str, Any] | None,
        notice: Mapping[str, str] | None = None,
        stored: Mapping[str, Any] | None = None,
    ) -> ConfigFlowResult:
        """Show the form until what is in it can be stored. `notice` is shown like an error, and is none.

        `stored` are options that the form does not have.
        """
        errors: Mapping[str, str] = notice or {}
        if user_input is not None:
            options, errors = read_form(groups, user_input)
            if not errors:
                return self.async_create_entry(data={**(stored or {}), **options})
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                form(groups), user_input or shown(groups, self.config_entry.options)
            ),
            errors=dict(errors),
            description_placeholders={
                name: limit
                for settings in groups.values()
                for setting in settings
                for name, limit in setting.limits.items()
            },
        )


def form(groups: Groups) -> vol.Schema:
    """Return the form."""
    return vol.Schema(
        {
            vol.Required(group): section(
                vol.Schema({vol.Optional(setting.name): setting.selector for setting in settings}),
                {"collapsed": number > 0},
            )
            for number, (group, settings) in enumerate(groups.items())
        }
    )


def shown(groups: Groups, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the form shows: what is stored, else the defaults."""
    return {
        group: {
            setting.name: options.get(setting.key, setting.default) if setting.usable else setting.default
            for setting in settings
        }
        for group, settings in groups.items()
    }


def read_form(
    groups: Groups, user_input: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what is to be stored, without defaults, and what is wrong.

    The dialog shows no errors at the fields of a section, so an error is its section's and names its field.
    """
    options: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for group, settings in groups.items():
        for setting in settings:
            value = user_input[group].get(setting.name)
            if not setting.usable or value in (None, "", []):
                continue
            try:
                stored = setting.read(value)
            except ValueError:
                errors.setdefault(group, f"bad_{setting.name}")
            else:
                if stored != setting.default:
                    options[setting.key] = stored
    return options, errors
