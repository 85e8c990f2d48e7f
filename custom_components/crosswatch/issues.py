"""Repair issues."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .coordinator import PairConfigEntry


def _issue_id(pair: PairConfigEntry) -> str:
    return f"account_missing_{pair.entry_id}"


@callback
def async_check_pair_issue(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Report a pair whose account was removed or disabled, until it has both again."""
    if not pair.runtime_data.account_missing:
        async_delete_pair_issue(hass, pair)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(pair),
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="account_missing",
        translation_placeholders={"pair": pair.title},
    )


@callback
def async_delete_pair_issue(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Forget what was reported about a pair."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(pair))
