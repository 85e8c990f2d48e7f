"""The request function: pace, retries, Retry-After, error map; against a real server."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import itertools
import random
import threading
import time
from typing import Any

import aiohttp
from aiohttp import web
import pytest
from yarl import URL

from custom_components.crosswatch.providers import http
from custom_components.crosswatch.providers.http import HttpClient, Pacer, retry_after
from custom_components.crosswatch.sync.provider import (
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
from tests.simulators.base import Simulator, When

from .publicmetadb.virtual_time import run

SECRET = "pm-0123456789abcdef"


class Echo(Simulator):
    """Answers what it was asked."""

    def __init__(self) -> None:
        """Answer every path."""
        super().__init__()
        self.app.router.add_route("*", "/{path:.*}", self._echo)

    @staticmethod
    async def _echo(request: web.Request) -> web.Response:
        return web.json_response({"path": request.raw_path, "body": (await request.read()).decode()})


@pytest.fixture
async def server(socket_enabled: None) -> AsyncGenerator[Echo]:
    """Return a running server."""
    async with Echo() as running:
        yield running


@pytest.fixture
async def session(socket_enabled: None) -> AsyncGenerator[aiohttp.ClientSession]:
    """Return an HTTP session."""
    async with aiohttp.ClientSession() as opened:
        yield opened


def client(server: Echo, session: aiohttp.ClientSession, **settings: Any) -> HttpClient:
    """Return a client that is quick to retry."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    return HttpClient(
        session=session, base=URL(server.url) / "api", headers=headers, **{"backoff": 0.01, **settings}
    )


# --- pace ------------------------------------------------------------------------------------


async def starts(pacer: Pacer, count: int, work: float = 0.0) -> list[float]:
    """Return when each of `count` concurrent users got their turn."""
    times: list[float] = []

    async def use() -> None:
        await pacer.wait()
        times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(work)

    await asyncio.gather(*(use() for _ in range(count)))
    return times


def test_pace_starts_at_once_and_keeps_the_interval() -> None:
    """The first user doesn't wait, the others keep the distance."""
    times = run(_made(3.0, 10))
    assert times == pytest.approx([number / 3 for number in range(10)])


async def _made(per_second: float, count: int) -> list[float]:
    return await starts(Pacer(per_second), count)


@pytest.mark.parametrize("late", [0.001, 0.005, 0.03])
def test_pace_makes_up_for_late_wake_ups(late: float) -> None:
    """Over 1,000 turns at 3 a second at least 98 % of the pace is kept, and it is never exceeded."""
    rng = random.Random(1)
    times = run(_made(3.0, 1000), lambda: rng.uniform(0, late))
    assert 0.98 <= (999 / 3) / (times[-1] - times[0]) <= 1.0 + 1e-3
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert min(gaps) >= (1 - Pacer.SLACK) / 3 - 1e-9


def test_pace_knows_no_bursts_after_a_stall() -> None:
    """Ten seconds lost are lost: what was due meanwhile goes out one by one."""
    stalls = iter([0.0, 10.0, *[0.0] * 1000])
    times = run(_made(3.0, 20), lambda: next(stalls))
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert max(gaps) > 10
    assert min(gaps) >= (1 - Pacer.SLACK) / 3 - 1e-9


def test_pace_gives_a_cancelled_turn_to_the_next() -> None:
    """Nobody waits for somebody who left."""

    async def main() -> list[float]:
        pacer = Pacer(1.0)
        await pacer.wait()
        leaving = [asyncio.create_task(pacer.wait()) for _ in range(5)]
        staying = asyncio.create_task(starts(pacer, 2))
        await asyncio.sleep(0.5)
        for task in leaving:
            task.cancel()
        return await staying

    assert run(main()) == pytest.approx([1.0, 2.0])


def test_pace_off_and_changed() -> None:
    """0 means no pace; a change counts from the next turn."""

    async def main() -> tuple[list[float], list[float]]:
        pacer = Pacer(0)
        free = await starts(pacer, 5)
        pacer.per_second = 2
        return free, await starts(pacer, 3)

    free, paced = run(main())
    assert free == [0.0] * 5
    assert paced == pytest.approx([0.0, 0.5, 1.0])


def test_pause_holds_everybody_up() -> None:
    """Also those who are waiting already, and without a pace."""

    async def main(per_second: float) -> list[float]:
        pacer = Pacer(per_second)
        waiting = asyncio.create_task(starts(pacer, 3))
        await asyncio.sleep(0.1)
        pacer.pause(5)
        return await waiting

    assert run(main(2)) == pytest.approx([0.0, 5.1, 5.6])

    async def unpaced() -> list[float]:
        pacer = Pacer(0)
        pacer.pause(5)
        return await starts(pacer, 3)

    assert run(unpaced()) == pytest.approx([5.0] * 3)


async def test_every_attempt_is_paced(server: Echo, session: aiohttp.ClientSession) -> None:
    """Repeated requests keep the distance too; methods have the pacer they are given."""
    gets, others = Pacer(20), Pacer(0)
    paced = client(server, session, backoff=0.0, pacer_for=lambda method: gets if method == "GET" else others)
    server.inject("*", status=500, method="GET", times=2)
    start = time.monotonic()
    await paced.request("GET", "x")
    assert time.monotonic() - start >= 2 / 20 * (1 - Pacer.SLACK)
    assert paced.requests == 3


# --- retries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 530])
async def test_temporary_status_is_retried(server: Echo, session: aiohttp.ClientSession, status: int) -> None:
    """Up to the number of attempts, the first one included."""
    server.inject("*", status=status, times=2)
    assert (await client(server, session).request("GET", "x")).status == 200
    assert len(server.log) == 3

    server.heal()
    server.log.clear()
    server.inject("*", status=status, times=None)
    error = RateLimitedError if status == 429 else UnreachableError
    with pytest.raises(error, match=f"http:{status}"):
        await client(server, session, attempts=4).request("GET", "x")
    assert len(server.log) == 4


@pytest.mark.parametrize("fault", [{"drop": True}, {"delay": 0.6}])
async def test_lost_answer_is_retried(
    server: Echo, session: aiohttp.ClientSession, fault: dict[str, Any]
) -> None:
    """Dropped and too slow answers, for a request that may be repeated."""
    server.inject("*", times=2, **fault)
    put = client(server, session, timeout=0.4)
    assert (await put.request("PUT", "x")).status == 200
    assert put.requests == 3

    server.inject("*", times=None, **fault)
    with pytest.raises(UnreachableError):
        await client(server, session, timeout=0.1).request("PUT", "x")
    await asyncio.sleep(fault.get("delay", 0))


async def test_attempts_of_one_request(server: Echo, session: aiohttp.ClientSession) -> None:
    """A request may have its own number of attempts."""
    server.inject("*", status=500, times=None)
    with pytest.raises(UnreachableError):
        await client(server, session).request("GET", "x", attempts=1)
    assert len(server.log) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 503}, {"status": 524}, {"status": 408}, {"drop": True}, {"delay": 0.2}],
)
async def test_ambiguous_write_is_not_repeated(
    server: Echo, session: aiohttp.ClientSession, method: str, when: When, fault: dict[str, Any]
) -> None:
    """What may have been carried out is sent once, also by the library below."""
    await client(server, session).request("GET", "warm-up")
    server.log.clear()
    once = client(server, session, timeout=0.1 if "delay" in fault else 10)
    server.inject("*", times=None, when=when, **fault)
    with pytest.raises(UncertainWriteError):
        await once.request(method, "x", json={}, repeatable=False)
    await asyncio.sleep(fault.get("delay", 0))
    assert once.requests == len(server.log) == 1


async def test_write_that_was_not_carried_out_is_repeated(
    server: Echo, session: aiohttp.ClientSession
) -> None:
    """A 429 is a refusal to do anything; without a connection nothing was sent."""
    server.inject("*", status=429, times=2)
    await client(server, session).request("POST", "x", repeatable=False)
    assert [request.status for request in server.log] == [429, 429, 200]

    await server.stop()
    # a connection that is open already would be lost, not missing
    async with aiohttp.ClientSession() as fresh:
        once = client(server, fresh)
        with pytest.raises(UnreachableError, match="no connection"):
            await once.request("POST", "x", repeatable=False)
    assert once.requests == 3


async def test_answer_that_is_not_json(server: Echo, session: aiohttp.ClientSession) -> None:
    """A portal's page is no answer; whether a write went through it nobody knows."""
    server.inject("*", status=200, body="<html>", times=None)
    with pytest.raises(BadAnswerError):
        await client(server, session).request("GET", "x")
    with pytest.raises(UncertainWriteError):
        await client(server, session).request("POST", "x", repeatable=False)
    assert (await client(server, session).request("GET", "x", raw=True)).data == b"<html>"


# --- Retry-After -----------------------------------------------------------------------------


def header_date(moment: datetime) -> str:
    """Return a date as headers have it."""
    return format_datetime(moment, usegmt=True)


def test_retry_after_forms() -> None:
    """Seconds and dates, the latter against the server's clock if it tells the time."""
    now = datetime.now(UTC).replace(microsecond=0)
    assert retry_after({}) is None
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"Retry-After": " 1.5 "}) == 1.5
    assert retry_after({"Retry-After": "-3"}) == 0
    assert retry_after({"Retry-After": header_date(now - timedelta(hours=1))}) == 0
    assert retry_after({"Retry-After": header_date(now + timedelta(seconds=60))}) == pytest.approx(60, abs=2)
    skewed = now + timedelta(days=3)
    headers = {"Retry-After": header_date(skewed + timedelta(seconds=60)), "Date": header_date(skewed)}
    assert retry_after(headers) == 60


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "1e999", "Wed, 99 Foo 2026 25:61:00 GMT"])
def test_retry_after_that_is_unreadable(value: str) -> None:
    """Then the own backoff counts."""
    assert retry_after({"Retry-After": value}) is None


@pytest.mark.parametrize(("status", "date"), [(429, False), (503, False), (429, True)])
async def test_retry_after_is_kept(
    server: Echo, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, status: int, *, date: bool
) -> None:
    """On 429 and 503 alike; which seconds a date stands for is shown above."""
    monkeypatch.setattr(random, "random", lambda: 0.0)
    now = datetime.now(UTC)
    headers = {"Retry-After": "0.3"}
    if date:
        # dates have whole seconds
        headers = {"Retry-After": header_date(now + timedelta(seconds=1)), "Date": header_date(now)}
    server.inject("*", status=status, headers=headers)
    await client(server, session).request("GET", "x")
    first, second = server.log
    assert second.at - first.at >= (0.95 if date else 0.28)


@pytest.mark.parametrize("status", [429, 503])
async def test_longer_than_sensible_is_not_waited_for(
    server: Echo, session: aiohttp.ClientSession, status: int
) -> None:
    """The run ends and says how long the service wants to be left alone."""
    server.inject("*", status=status, headers={"Retry-After": "3600"}, times=None)
    with pytest.raises(RateLimitedError) as caught:
        await client(server, session).request("GET", "x")
    assert caught.value.retry_after == 3600
    assert len(server.log) == 1


async def test_one_429_holds_all_back(
    server: Echo, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of the same pace don't run into it one after the other."""
    monkeypatch.setattr(random, "random", lambda: 0.0)
    pacer = Pacer(50)
    paced = client(server, session, pacer_for=lambda _method: pacer)
    server.inject("*", status=429, headers={"Retry-After": "0.5"})
    await asyncio.gather(*(paced.request("GET", "x") for _ in range(15)))
    limited = server.log[0]
    assert limited.status == 429
    between = [request for request in server.log[1:] if request.at < limited.at + 0.45]
    assert len(between) <= 2


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["301", "3600", "1000000000"])
async def test_wait_that_nobody_waits_for_holds_nobody_back(
    server: Echo, session: aiohttp.ClientSession, status: int, asked: str
) -> None:
    """An hourly quota of one kind of request does not stop the others that share its pace."""
    pacer = Pacer(0)
    paced = client(server, session, backoff=0.2, pacer_for=lambda _method: pacer)
    server.inject("*", status=status, headers={"Retry-After": asked})
    start = time.monotonic()
    with pytest.raises(RateLimitedError):
        await paced.request("POST", "rated")
    await paced.request("POST", "other")
    first, second = server.log
    # they slow down all the same
    assert second.at - first.at >= 0.19
    assert time.monotonic() - start < 5


def test_backoff_doubles_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """With jitter, and never longer than is sensible."""
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)
    monkeypatch.setattr(http, "LONGEST_BACKOFF", 30.0)

    class Down(HttpClient):
        async def _send(self, *_args: Any) -> Any:
            raise aiohttp.ServerDisconnectedError

    async def main() -> float:
        down = Down(session=None, base=URL("http://x"), headers={}, attempts=10)  # type: ignore[arg-type]
        with pytest.raises(UnreachableError):
            await down.request("GET", "x")
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(0.5 + 1 + 2 + 4 + 8 + 16 + 30 * 3)


# --- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, BadAnswerError),
        (302, BadAnswerError),
        (304, BadAnswerError),
        (400, RefusedError),
        (401, AuthError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, RefusedError),
        (422, RefusedError),
        (498, AuthError),
        (501, BadAnswerError),
        (505, BadAnswerError),
    ],
)
async def test_status_is_one_error(
    server: Echo, session: aiohttp.ClientSession, status: int, error: type[ProviderError]
) -> None:
    """And asked once."""
    server.inject(
        "*",
        status=status,
        body='{"error":"Nope"}',
        content_type="application/json",
        headers={"Location": "/y"},
    )
    with pytest.raises(error) as caught:
        await client(server, session).request("GET", "x")
    assert type(caught.value) is error
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"error":"Nope"}', "Nope"),
        ('{"message":"Nope"}', "Nope"),
        ('{"detail":"Nope"}', "Nope"),
        ('{"errors":[{"code":1001,"message":"Nope"}]}', "Nope"),
        ('{"error":{"a":1}}', ""),
        ("[]", ""),
        ("<html>", ""),
        ("", ""),
        ('{"error":"see https://example.com/x"}', ""),
        (f'{{"error":"bad key {SECRET}"}}', ""),
    ],
)
async def test_server_text(server: Echo, session: aiohttp.ClientSession, body: str, detail: str) -> None:
    """Short texts are kept unless they repeat a secret or an address."""
    server.inject("*", status=422, body=body)
    with pytest.raises(RefusedError) as caught:
        await client(server, session).request("GET", "x")
    assert (caught.value.status, caught.value.detail) == (422, detail)


async def test_challenge_page_is_no_verdict(server: Echo, session: aiohttp.ClientSession) -> None:
    """Unless the service itself refuses with HTML."""
    server.inject("*", status=403, body="<html>", times=None)
    with pytest.raises(UnreachableError):
        await client(server, session).request("GET", "x")
    with pytest.raises(ForbiddenError):
        await client(server, session, challenges=False).request("GET", "x")


async def test_texts_tell_no_secrets(
    server: Echo, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither errors nor the log name the server or the key."""
    caplog.set_level("DEBUG", http.__name__)
    faults: list[dict[str, Any]] = [{"status": status} for status in (400, 401, 403, 404, 429, 500)]
    port = str(URL(server.url).port)
    for fault in [*faults, {"drop": True}]:
        server.inject("*", times=None, **fault)
        with pytest.raises(ProviderError) as caught:
            await client(server, session).request("GET", "x")
        assert caught.value.__cause__ is None
        logged = [record.getMessage() for record in caplog.records if record.name == http.__name__]
        for text in (str(caught.value), *logged):
            assert SECRET not in text
            assert "127.0.0.1" not in text
            assert port not in text
        server.heal()
        caplog.clear()


# --- what is sent and returned ---------------------------------------------------------------


async def test_request_and_answer(server: Echo, session: aiohttp.ClientSession) -> None:
    """Paths, queries, bodies; empty answers are None."""
    talk = client(server, session)
    answer = await talk.request("POST", "/a/b", params={"page": 1}, json={"x": None}, headers={"X-One": "1"})
    assert answer.data == {"path": "/api/a/b?page=1", "body": '{"x":null}'}
    assert server.log[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert server.log[0].headers["X-One"] == "1"

    server.inject("*", status=204)
    assert (await talk.request("DELETE", "x")).data is None
    server.inject("*", status=304)
    assert (await talk.request("GET", "x", not_modified=True)).status == 304


async def test_segments_of_a_path(server: Echo, session: aiohttp.ClientSession) -> None:
    """An id may hold anything and stays one segment; one that would lead elsewhere is refused."""
    talk = client(server, session)
    answer = await talk.request("GET", ("lists", "a/b?c=d#e%2F é"))
    assert answer.data["path"] == "/api/lists/a%2Fb%3Fc%3Dd%23e%252F%20%C3%A9"
    for bad in ("", ".", ".."):
        with pytest.raises(BadAnswerError):
            await talk.request("GET", ("lists", bad))
    assert talk.requests == 1


async def test_big_answers_are_parsed_in_a_thread(
    server: Echo, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop isn't held up by them."""
    threads: list[bool] = []
    decode = http.decode

    def spy(body: bytes) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return decode(body)

    monkeypatch.setattr(http, "decode", spy)
    talk = client(server, session)
    await talk.request("POST", "x", json="small")
    await talk.request("POST", "x", json="b" * http.BIG_BODY)
    assert threads == [True, False]


@pytest.mark.parametrize("stage", ["pace", "answer", "backoff"])
async def test_cancellation_is_prompt(
    server: Echo, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """At whatever point."""
    monkeypatch.setattr(http, "LONGEST_BACKOFF", 30.0)
    pacer = Pacer(0)
    talk = client(server, session, backoff=20.0, pacer_for=lambda _method: pacer)
    match stage:
        case "pace":
            pacer.pause(20)
        case "answer":
            server.inject("*", delay=0.4)
        case "backoff":
            server.inject("*", status=500, times=None)
    task = asyncio.create_task(talk.request("GET", "x"))
    await asyncio.sleep(0.1)
    assert not task.done()
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - start < 0.3
