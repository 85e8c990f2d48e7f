"""Writing many changes: several under way at once, so that only the pace limits them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from ...sync.models import Action, Change, Outcome, OutcomeStatus
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

AT_ONCE = 16
"""Writes under way: at 3 a second enough for answers that take 5 s."""
TROUBLE_LIMIT = 3
"""Writes in a row without a usable answer after which the service itself is asked how it is."""

HTTP_CONFLICT = 409

type Write = Callable[[Change], Awaitable[Outcome]]
"""Carries out one change. Raises what went wrong with the request."""
type Probe = Callable[[], Awaitable[None]]
"""Raises when the service as a whole is in trouble."""


async def write_all(changes: Sequence[Change], write: Write, probe: Probe) -> AsyncGenerator[Outcome]:
    """Start the changes in their order and yield each outcome as soon as it is known.

    Two changes of the same key are never under way together. Trouble with one item is an outcome.
    Trouble with the account raises: at once for a refused key and for a service that asks for a long
    break, after a look at the service when several writes in a row went unanswered. Changes that are
    under way then are not yielded: what became of them only a read can tell.
    """
    waiting = list(reversed(changes))
    running: dict[asyncio.Task[Outcome], Change] = {}
    trouble = 0
    try:
        while waiting or running:
            while (
                waiting
                and len(running) < AT_ONCE
                and waiting[-1].key not in {c.key for c in running.values()}
            ):
                change = waiting.pop()
                running[asyncio.create_task(_outcome(change, write))] = change
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            fatal: BaseException | None = None
            # in the order they were started
            for task in [task for task in running if task in finished]:
                del running[task]
                if (error := task.exception()) is not None:
                    fatal = fatal or error
                    continue
                outcome = task.result()
                trouble = trouble + weight if (weight := _trouble(outcome)) else 0
                yield outcome
            if fatal is not None:
                raise fatal
            if trouble >= TROUBLE_LIMIT:
                # one poisonous item must not stop the others, a service that is down must
                await probe()
                trouble = 0
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _outcome(change: Change, write: Write) -> Outcome:
    try:
        return await write(change)
    except AuthError, RateLimitedError:
        raise
    except ProviderError as err:
        if (status := _status(change, err)) is None:
            raise
        return Outcome(change=change, status=status, reason=reason_of(err))


def _status(change: Change, error: ProviderError) -> OutcomeStatus | None:
    match error:
        case UncertainWriteError():
            return OutcomeStatus.UNCERTAIN
        case RefusedError(status=status) if status == HTTP_CONFLICT and change.action is Action.ADD:
            return OutcomeStatus.ALREADY
        case RefusedError() | ForbiddenError():
            return OutcomeStatus.UNRESOLVED
        case UnreachableError() | NotFoundError() | BadAnswerError():
            return OutcomeStatus.FAILED
    return None


def reason_of(error: ProviderError) -> str:
    """Return the reason of an outcome: `http:<status>` (API reference 9.2), `no_answer` or `bad_answer`."""
    first = str(error).partition(" ")[0]
    if first.startswith("http:"):
        return first
    return "no_answer" if isinstance(error, (UnreachableError, UncertainWriteError)) else "bad_answer"


def _trouble(outcome: Outcome) -> int:
    """How much an outcome says against the service: a write that may be repeated has had all its tries."""
    if outcome.status is OutcomeStatus.UNCERTAIN:
        return 1
    unanswered = outcome.status is OutcomeStatus.FAILED and outcome.reason not in ("http:404", "bad_answer")
    return TROUBLE_LIMIT if unanswered else 0
