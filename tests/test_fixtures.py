"""What the fixtures of `conftest.py` promise."""

import asyncio

from homeassistant.core import HomeAssistant
import pytest


@pytest.mark.parametrize("call", ["call_soon", "call_later"])
async def test_a_call_from_another_thread_is_noticed(hass: HomeAssistant, call: str) -> None:
    args = (print,) if call == "call_soon" else (0, print)
    with pytest.raises(RuntimeError, match="thread"):
        await asyncio.to_thread(getattr(asyncio.get_running_loop(), call), *args)


async def test_a_result_from_another_thread_is_noticed(hass: HomeAssistant) -> None:
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(print)
    with pytest.raises(RuntimeError, match="thread"):
        await asyncio.to_thread(future.set_result, None)
