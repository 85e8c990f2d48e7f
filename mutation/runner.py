"""The tests, collected once; each mutant is met in a process of its own by the tests that reach its line."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
import gc
import inspect
import os
import pickle
import signal
import sys
import time
from types import CodeType, FunctionType, ModuleType
from typing import Any, Protocol

import pytest

from .operators import Mutant

SLOWER = 5
"""So many times slower than on what is not broken a test may be; then it has noticed an endless round."""

PATIENCE = 3
"""Seconds that it has besides, of computing time; four times as many by the clock."""

TOOL = 4
"""Number of this tool among those that watch a program (`sys.monitoring`)."""


type Seen = tuple[float, frozenset[tuple[str, int]]]
"""Seconds that a test takes, and the lines that it reaches, by module."""


class Done(Protocol):
    """What hears of each mutant whether a test noticed it."""

    def __call__(self, mutant: Mutant, *, noticed: bool) -> None:
        """Hear of one."""


class Runner:
    """A pytest plugin that runs the collected tests on broken modules instead of on the real ones."""

    def __init__(
        self,
        modules: Mapping[str, ModuleType],
        tests: Mapping[str, Collection[str]],
        work: Callable[[], Iterable[Mutant]],
        done: Done,
        processes: int,
    ) -> None:
        """`tests` are the files whose tests a module's mutants meet.

        `work` tells the mutants.
        """
        self._modules = modules
        self._tests = tests
        self._work = work
        self._done = done
        self._processes = processes
        self._running: dict[int, Mutant] = {}
        self._failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn what each test reaches, then let the mutants meet them."""
        if session.testsfailed:
            return False
        seen = _elsewhere(lambda: self._watch(session.items))
        if isinstance(seen, str):
            raise pytest.UsageError(f"{seen} fails on what is not broken")
        reaching = self._reaching(session.items, seen)
        takes = {item: seconds for item, (seconds, _) in zip(session.items, seen, strict=True)}
        gc.freeze()
        for mutant in self._work():
            tests = _in_turn(reaching.get((mutant.module, line), ()) for line in mutant.lines)
            if not tests:
                self._done(mutant, noticed=False)
                continue
            while len(self._running) >= self._processes:
                self._wait()
            self._start(mutant, {item: PATIENCE + SLOWER * takes[item] for item in tests})
        while self._running:
            self._wait()
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> bool | None:
        """Note failures."""
        self._failed = self._failed or report.failed
        return None

    def _reaching(
        self, items: Sequence[pytest.Item], seen: Sequence[Seen]
    ) -> dict[tuple[str, int], list[pytest.Item]]:
        """Return the tests of lines, the fastest first."""
        found: dict[tuple[str, int], list[pytest.Item]] = {}
        for item, (_, lines) in sorted(zip(items, seen, strict=True), key=lambda each: each[1][0]):
            file = item.path.relative_to(item.config.rootpath).as_posix()
            for module, line in lines:
                if file in self._tests[module]:
                    found.setdefault((module, line), []).append(item)
        return found

    def _watch(self, items: Sequence[pytest.Item]) -> list[Seen] | str:
        """Return what each test reaches, or the first one that fails."""
        monitor = sys.monitoring
        names = {module.__file__: name for name, module in self._modules.items()}
        lines: set[tuple[str, int]] = set()

        def reached(code: CodeType, line: int) -> object:
            if (name := names.get(code.co_filename)) is not None:
                lines.add((name, line))
            return monitor.DISABLE

        monitor.use_tool_id(TOOL, "mutation")
        monitor.register_callback(TOOL, monitor.events.LINE, reached)
        monitor.set_events(TOOL, monitor.events.LINE)
        found: list[Seen] = []
        for item in items:
            lines.clear()
            monitor.restart_events()
            start = time.perf_counter()
            if not self._passes(item):
                return item.nodeid
            found.append((time.perf_counter() - start, frozenset(lines)))
        return found

    def _passes(self, item: pytest.Item) -> bool:
        if _is_plain(item):
            try:
                item.obj(**_arguments(item))  # type: ignore[attr-defined]
            except Exception:  # noqa: BLE001  # whatever it is: the test has noticed
                return False
            return True
        self._failed = False
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self._failed

    def _passes_in(self, seconds: float, item: pytest.Item) -> bool:
        # both signals end the process
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, 4 * seconds)
        return self._passes(item)

    def _start(self, mutant: Mutant, tests: Mapping[pytest.Item, float]) -> None:
        """Let a mutant meet tests, each of which may take so many seconds."""
        if (pid := os.fork()) != 0:
            self._running[pid] = mutant
            return
        # noticed unless told otherwise: whatever ends this process was not meant
        code = 1
        with suppress(BaseException):
            _say_nothing()
            _put_in_place(self._modules[mutant.module], mutant)
            code = 0 if all(self._passes_in(seconds, item) for item, seconds in tests.items()) else 1
        os._exit(code)

    def _wait(self) -> None:
        pid, status = os.wait()
        self._done(self._running.pop(pid), noticed=status != 0)


def _elsewhere[T](work: Callable[[], T]) -> T:
    """Return what comes of some work in a process of its own, whose threads stay there."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        _say_nothing()
        with suppress(BaseException), os.fdopen(write, "wb") as pipe:
            pickle.dump(work(), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        found: T = pickle.load(pipe)  # noqa: S301  # our own
    os.wait()
    return found


def _say_nothing() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _is_plain(item: pytest.Item) -> bool:
    """Whether a test is a call of a function: no fixture of its own, no event loop."""
    return (
        isinstance(item, pytest.Function)
        and item.cls is None
        and not inspect.iscoroutinefunction(item.obj)
        and set(item._fixtureinfo.argnames) <= set(_arguments(item))
    )


def _arguments(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def _in_turn(found: Iterable[Collection[pytest.Item]]) -> list[pytest.Item]:
    """Return the tests of some lines, those that are plain calls first."""
    return sorted(
        dict.fromkeys(item for items in found for item in items), key=lambda item: not _is_plain(item)
    )


def _put_in_place(module: ModuleType, mutant: Mutant) -> None:
    """Give the living function, whoever holds it, the broken code."""
    found: Any = module
    for name in mutant.function.split("."):
        found = vars(found)[name]
    match found:
        case property(fget=function):
            pass
        case cached_property(func=function):
            pass
        case classmethod() | staticmethod():
            function = found.__func__
        case _:
            function = found
    assert isinstance(function, FunctionType)
    function.__code__ = next(
        code for code in _codes(mutant.compiled()) if code.co_qualname == function.__code__.co_qualname
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield part
            yield from _codes(part)
