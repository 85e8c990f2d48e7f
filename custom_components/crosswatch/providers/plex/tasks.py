"""Running requests side by side, and building many objects at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
import gc


@asynccontextmanager
async def side_by_side() -> AsyncIterator[asyncio.TaskGroup]:
    """Give a task group that raises the first task's own error, after having stopped the others."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold the cyclic garbage collector off for some milliseconds of building objects.

    What is built here has no cycles, and each row is first a handful of short-lived objects: with all
    of them in sight, the collector would stop the whole process several times for every page.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
