"""What can be chosen at a service, asked while a dialog opens."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from ..const import LOGGER
from ..sync.provider import ProviderError

PATIENCE: Final = 10.0
"""Seconds a dialog waits: it works without the names as well."""


async def async_ask[T](question: Awaitable[T]) -> T | None:
    """Return the answer of a service, or None when there is none in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await question
    except (TimeoutError, ProviderError) as err:
        LOGGER.debug("Nothing to choose from: %s", type(err).__name__)
        return None
