"""Dates on the wire: every spelling of open question 13, and the reading of those clients send."""

from datetime import UTC, datetime
from enum import StrEnum


class DateStyle(StrEnum):
    """How a moment is written. Samples: 2026-01-02 20:15:00 UTC."""

    ISO = "iso"
    """2026-01-02T20:15:00.000Z"""
    ISO_SECONDS = "iso_seconds"
    """2026-01-02T20:15:00Z"""
    ISO_OFFSET = "iso_offset"
    """2026-01-02T20:15:00.000+00:00"""
    SPACE = "space"
    """2026-01-02 20:15:00.000Z, PocketBase's own form"""
    SPACE_NAIVE = "space_naive"
    """2026-01-02 20:15:00, still UTC"""
    EPOCH_SECONDS = "epoch_seconds"
    """1767384900"""
    EPOCH_MS = "epoch_ms"
    """1767384900000"""


ENDINGS = {
    DateStyle.ISO: ".{:03}Z",
    DateStyle.ISO_SECONDS: "Z",
    DateStyle.ISO_OFFSET: ".{:03}+00:00",
    DateStyle.SPACE: ".{:03}Z",
    DateStyle.SPACE_NAIVE: "",
}
"""What follows the seconds; the placeholder is milliseconds."""


def render(moment: float | None, style: DateStyle) -> str | int | None:
    """Write Unix seconds in the given style; an unknown date stays null."""
    if moment is None:
        return None
    ms = round(moment * 1000)
    if style is DateStyle.EPOCH_MS:
        return ms
    if style is DateStyle.EPOCH_SECONDS:
        return ms // 1000
    seconds, fraction = divmod(ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
    if style in (DateStyle.SPACE, DateStyle.SPACE_NAIVE):
        text = text.replace("T", " ")
    return text + ENDINGS[style].format(fraction)


def parse(text: object) -> float:
    """Read a date as Unix seconds, cut to milliseconds; without an offset it is UTC.

    Raises ValueError for anything that is no date.
    """
    if not isinstance(text, str):
        raise ValueError(text)  # noqa: TRY004 - to the caller all is one: not a date
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000).timestamp()
