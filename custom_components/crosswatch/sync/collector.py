"""Building many objects at once while the cyclic garbage collector rests, and freeing them bit by bit."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
import gc
from typing import Any, Final

SOME: Final = 1000


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold the garbage collector off while many objects are built, and spare it a look at them afterwards.

    What is read and planned has no cycles, but there is a lot of it: new objects make the collector look at
    everything the process holds, which with 100,000 plays stops all threads for up to 0.3 s, several times in
    one read. Freezing and thawing puts what is new among what is old without a look at any of it. What
    another part of the process has frozen stays frozen.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # counting takes long where much is frozen, so it waits for a lot to have been built
            if gc.get_count()[0] > gc.get_threshold()[0] and not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def resting[T](work: Callable[[], T]) -> T:
    """Do the work `without_collector`."""
    with without_collector():
        return work()


def free(*containers: Collection[Any]) -> None:
    """Let go of many objects bit by bit: freeing all of a big container at once stops all threads meanwhile.

    The containers must belong to nobody else: lists, dicts and sets are empty afterwards.
    """
    for container in containers:
        if isinstance(container, list):
            while container:
                del container[-SOME:]
        elif isinstance(container, dict):
            while container:
                container.popitem()
        elif isinstance(container, set):
            while container:
                container.pop()
