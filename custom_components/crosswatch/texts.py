"""The words for codes, in the language somebody reads."""

from collections.abc import Mapping
from enum import StrEnum
import re
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations, async_get_translations

from .const import DOMAIN
from .sync.models import Side

CATEGORIES: Final = ("common", "entity", "selector")
"""Where the words of this module are among the translations."""

PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """Return a title or a name so that Markdown shows it as it is, whatever a service has put into it."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


class Word(StrEnum):
    """What a code of the engine or a provider tells; the beginning of its key in `common`."""

    REASON = "reason"
    RULE = "rule"
    HELD = "held"
    PHASE = "phase"
    ACTION = "action"
    TROUBLE = "trouble"
    DISK = "disk"
    UNDO = "undo"


class Texts:
    """The integration's words in one language."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Take the words by their full translation keys."""
        self._words = words

    def word(self, what: Word, code: str, **placeholders: str) -> str:
        """Return the words for a code; for one without words, the words that hold any code."""
        for key, extra in ((code, {}), (code.partition(":")[0], {"code": code.partition(":")[2]})):
            text = self._words.get(f"component.{DOMAIN}.common.{what}_{key}")
            if text is not None:
                return text.format(**extra, **placeholders)
        return self._words.get(f"component.{DOMAIN}.common.{what}_other", "{code}").format(code=code)

    def reason(self, code: str) -> str:
        """Return why an item can't be written."""
        return self.word(Word.REASON, code)

    def held(self, code: str, accounts: Mapping[Side, str]) -> str:
        """Return why a plan waits. `accounts` are the names of the two accounts."""
        return self._about(Word.HELD, code, accounts)

    def rule(self, code: str, accounts: Mapping[Side, str]) -> str:
        """Return why something is planned or left as it is. `accounts` are the names of the two accounts."""
        return self._about(Word.RULE, code, accounts)

    def _about(self, what: Word, code: str, accounts: Mapping[Side, str]) -> str:
        return self.word(what, code, source=accounts[Side.SOURCE], target=accounts[Side.TARGET])

    def status(self, status: str) -> str:
        """Return what the status sensor of a pair shows."""
        return self._words.get(f"component.{DOMAIN}.entity.sensor.status.state.{status}", status)

    def feature(self, feature: str) -> str:
        """Return the name of a feature."""
        return self._words.get(f"component.{DOMAIN}.selector.feature.options.{feature}", feature)


@callback
def own_texts(hass: HomeAssistant) -> Texts:
    """Return the words in the language of Home Assistant, which are loaded with the integration."""
    words: dict[str, str] = {}
    for category in CATEGORIES:
        words.update(async_get_cached_translations(hass, hass.config.language, category, DOMAIN))
    return Texts(words)


async def async_texts(hass: HomeAssistant, language: str | None) -> Texts:
    """Return the words in a language; what is not translated is English."""
    words: dict[str, str] = {}
    for category in CATEGORIES:
        words.update(await async_get_translations(hass, language or hass.config.language, category, {DOMAIN}))
    return Texts(words)
