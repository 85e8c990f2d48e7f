"""Single values of Plex's JSON (2.1)."""

from typing import Any

import pytest

from custom_components.crosswatch.providers.plex.wire import decimal, flag, number, required, rows, text
from custom_components.crosswatch.sync.provider import BadAnswerError


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (7, 7), ("7", 7), ("-3", -3), (8.0, 8), ("", None), (None, None)]
)
def test_number(value: Any, expected: int | None) -> None:
    assert number({"x": value}, "x") == expected


@pytest.mark.parametrize("value", [True, False, "seven", "1.5", 1.5, [], {}])
def test_not_a_number(value: Any) -> None:
    with pytest.raises(BadAnswerError):
        number({"x": value}, "x")


@pytest.mark.parametrize(("value", "expected"), [("a", "a"), (7, "7"), (0, "0"), ("", None), (None, None)])
def test_text(value: Any, expected: str | None) -> None:
    assert text({"x": value}, "x") == expected


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_not_text(value: Any) -> None:
    with pytest.raises(BadAnswerError):
        text({"x": value}, "x")


@pytest.mark.parametrize("row", [{}, {"x": ""}, {"x": None}])
def test_required(row: dict[str, Any]) -> None:
    with pytest.raises(BadAnswerError):
        required(row, "x")


@pytest.mark.parametrize(("value", "expected"), [(8.5, 8.5), (10, 10.0), (0, 0.0), (None, None)])
def test_decimal(value: Any, expected: float | None) -> None:
    assert decimal({"x": value}, "x") == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (1, True), ("1", True), (False, False), (0, False), ("0", False)]
)
def test_flag(value: Any, expected: bool) -> None:
    assert flag({"x": value}, "x") is expected
    assert not flag({}, "x")


def test_rows() -> None:
    assert rows(None) == []
    assert rows([{}]) == [{}]
    bad: tuple[Any, ...] = ({}, "x", 0, [1], [None])
    for wrong in bad:
        with pytest.raises(BadAnswerError):
            rows(wrong)
