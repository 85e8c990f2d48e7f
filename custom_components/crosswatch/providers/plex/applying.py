"""Carrying out writes: several under way at once, each item's trouble an outcome of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ...sync.models import Change, Outcome, OutcomeStatus
from ...sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UncertainWriteError,
    UnreachableError,
)

AT_ONCE: Final = 8
"""Writes under way; the client lets fewer through."""

type Probe = Callable[[], Awaitable[object]]
"""Raises when the account or the service as a whole is in trouble."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is written in one go, for one change or several. `write` gives an outcome for each of them."""

    changes: tuple[Change, ...]
    write: Callable[[], Awaitable[Sequence[Outcome]]]


def outcome(
    change: Change,
    status: OutcomeStatus,
    reason: str | None = None,
    *,
    at: int | None = None,
    key: str | None = None,
) -> Outcome:
    """Build an outcome; `at` is when the server wrote it, `key` what it was written to."""
    return Outcome(change=change, status=status, reason=reason, written_at=at, remote_id=key)


async def run_jobs(jobs: Sequence[Job], probe: Probe) -> AsyncGenerator[Outcome]:
    """Start the jobs in their order and yield outcomes as soon as they are known.

    Trouble with one item is an outcome. Trouble with the account or the service raises: a service that
    asks for a long break at once, anything else that may be more than this item after `probe` was asked.
    What is under way then is not yielded: what became of it only a read can tell.
    """
    waiting = list(reversed(jobs))
    running: dict[asyncio.Task[Sequence[Outcome]], Job] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                job = waiting.pop()
                running[asyncio.ensure_future(job.write())] = job
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            fatal: BaseException | None = None
            # in the order they were started
            for task in [task for task in running if task in finished]:
                job = running.pop(task)
                error = task.exception()
                if error is None:
                    results = list(task.result())
                elif isinstance(error, ProviderError) and (known := _outcomes(job, error)):
                    results = known
                    if isinstance(error, (AuthError, UnreachableError)):
                        fatal = fatal or await _asked(probe)
                else:
                    fatal = fatal or error
                    continue
                for result in results:
                    yield result
            if fatal is not None:
                raise fatal
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def chain(settled: Sequence[Outcome], results: AsyncGenerator[Outcome]) -> AsyncGenerator[Outcome]:
    """Yield what is known already, then the rest; ends the rest when it is ended itself."""
    try:
        for each in settled:
            yield each
        async for each in results:
            yield each
    finally:
        await results.aclose()


async def _asked(probe: Probe) -> ProviderError | None:
    """Return what the probe found wrong with the account or the service."""
    try:
        await probe()
    except ProviderError as err:
        return err
    return None


def _outcomes(job: Job, error: ProviderError) -> list[Outcome]:
    status = _status(error)
    return [] if status is None else list(_all(job, status, reason_of(error)))


def _all(job: Job, status: OutcomeStatus, reason: str) -> Iterator[Outcome]:
    for change in job.changes:
        yield outcome(change, status, reason)


def _status(error: ProviderError) -> OutcomeStatus | None:
    match error:
        case RateLimitedError():
            return None
        case UncertainWriteError():
            return OutcomeStatus.UNCERTAIN
        case RefusedError() | ForbiddenError() | NotFoundError():
            return OutcomeStatus.UNRESOLVED
        case UnreachableError() | BadAnswerError() | AuthError():
            return OutcomeStatus.FAILED
    return None


def reason_of(error: ProviderError) -> str:
    """Return the reason of an outcome: `http:<status>`, `no_answer` or `bad_answer`."""
    first = str(error).partition(" ")[0]
    if first.startswith("http:"):
        return first
    return "no_answer" if isinstance(error, (UnreachableError, UncertainWriteError)) else "bad_answer"
