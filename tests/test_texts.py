"""Words for codes."""

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.sync.models import Side
from custom_components.crosswatch.texts import Word, async_texts, own_texts

ACCOUNTS = {Side.SOURCE: "Plex", Side.TARGET: "{odd}"}


async def test_words(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    texts = own_texts(hass)
    assert texts.reason("missing_watched_at") == "It is not known when it was watched."
    assert texts.reason("http:409") == "The service refused it (answer 409)."
    assert texts.reason("something_new") == "The service gives this reason: something_new."
    assert texts.word(Word.HELD, "odd") == "Much more would change at once than usual (odd)."
    assert texts.held("source_empty", ACCOUNTS) == "Plex held something before, and is empty now."
    assert texts.rule("only_at_target", ACCOUNTS) == "Only {odd} has it."
    assert texts.rule("something_new", ACCOUNTS) == "something_new"
    assert texts.word(Word.TROUBLE, "unreachable", account="Plex") == "Plex did not answer."
    assert texts.status("held") == "Waiting for your approval"
    assert texts.feature("progress") == "Resume points"


@pytest.mark.parametrize("language", [None, "en", "fi"])
async def test_english_stands_in(hass: HomeAssistant, loaded: MockConfigEntry, language: str | None) -> None:
    texts = await async_texts(hass, language)
    assert texts.status("held") == "Waiting for your approval"
