"""Query strings, filters and sorting of Plex listings (API reference 2.5)."""

from collections.abc import Callable, Iterable, Sequence
import re
from typing import Final
from urllib.parse import unquote_plus

type Scalar = str | int | float | bool | None
type Getter[T] = Callable[[T, str], Sequence[Scalar]]

_OPERATOR: Final = re.compile(r"^(?P<field>[^<>!=]+)(?P<tail>[<>!=]{0,2})$")
_RELATIVE: Final = re.compile(r"^-(\d+)(mon|[smhdwy])$")
_SECONDS: Final = {
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 7 * 86_400,
    "mon": 30 * 86_400,
    "y": 365 * 86_400,
}
DATES: Final = frozenset(
    {"addedAt", "updatedAt", "lastViewedAt", "lastRatedAt", "originallyAvailableAt", "viewedAt"}
)
TEXTS: Final = frozenset({"title", "titleSort", "summary", "file"})
_GROUPING: Final = frozenset({"push", "or", "pop", "and"})


class QueryError(ValueError):
    """The query cannot be understood: 400."""


def parse_pairs(raw_query: str) -> list[tuple[str, str]]:
    """Split a raw query string into decoded (key, value); the key keeps its operator.

    `a>=1` and `a%3E=1` both give ("a>", "1"); `title==x` gives ("title=", "x").
    """
    pairs = []
    for part in raw_query.split("&"):
        if not part:
            continue
        key, _, value = part.partition("=")
        if value.startswith("="):
            key, value = f"{key}=", value[1:]
        pairs.append((unquote_plus(key), unquote_plus(value)))
    return pairs


def split_operator(key: str) -> tuple[str, str]:
    """Split the operator off a decoded key: `viewCount>>` -> ("viewCount", ">>")."""
    found = _OPERATOR.match(key)
    if found is None:
        return key, ""
    return found["field"], found["tail"]


def epoch_of(value: str, now: int) -> int | None:
    """Read a date argument: epoch seconds, `YYYY-MM-DD` as days are compared, or `-30d`."""
    if relative := _RELATIVE.match(value):
        return now - int(relative[1]) * _SECONDS[relative[2]]
    try:
        return int(value)
    except ValueError:
        return None


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _compare(operator: str, have: float | str, want: float | str) -> bool:
    match operator:
        case ">>":
            return have > want  # type: ignore[operator]
        case "<<":
            return have < want  # type: ignore[operator]
        case ">":
            return have >= want  # type: ignore[operator]
        case "<":
            return have <= want  # type: ignore[operator]
        case _:
            return have == want


def _text_test(operator: str, value: str) -> Callable[[Scalar], bool]:
    want = value.casefold()

    def test(have: Scalar) -> bool:
        text = "" if have is None else str(have).casefold()
        match operator:
            case "=":
                return text == want
            case "!=":
                return text != want
            case "!":
                return want not in text
            case "<":
                return text.startswith(want)
            case ">":
                return text.endswith(want)
            case _:
                return want in text

    return test


def _value_test(field: str, operator: str, value: str, now: int) -> Callable[[Scalar], bool]:
    base = field.rpartition(".")[2]
    if base in TEXTS:
        return _text_test(operator, value)
    wants: list[float | str] = []
    for one in value.split(","):
        want: float | str | None = epoch_of(one, now) if base in DATES else _number(one)
        wants.append(one if want is None else want)

    def test(have: Scalar) -> bool:
        if have is None:
            return operator in ("!", "!=")
        plain: float | str = have if isinstance(have, str) else float(have)
        for want in wants:
            left: float | str = plain
            right: float | str = want
            if isinstance(left, str) != isinstance(right, str):
                left, right = str(have), str(value)
            if operator in ("!", "!="):
                if left == right:
                    return False
            elif _compare(operator, left, right):
                return True
        return operator in ("!", "!=")

    return test


def compile_filters[T](
    pairs: Iterable[tuple[str, str]], fields: frozenset[str], get: Getter[T], now: int
) -> Callable[[T], bool] | None:
    """Turn the filter arguments among `pairs` into one predicate; None without any.

    `get(item, field)` returns every value the item has for the field (several for `episode.*` of a
    show); one that passes is enough. Grouping by `push=1`, `or=1`, `pop=1`; otherwise all must hold.
    """
    found = False
    stack: list[list[list[Callable[[T], bool]]]] = [[[]]]
    for key, value in pairs:
        field, operator = split_operator(key)
        if field in _GROUPING and not operator:
            if field == "push":
                stack.append([[]])
            elif field == "or":
                stack[-1].append([])
            elif field == "pop":
                if len(stack) == 1:
                    raise QueryError("pop without push")
                stack[-2][-1].append(_any_of(stack.pop()))
            continue
        if field.rpartition(".")[2] not in fields:
            continue
        found = True
        stack[-1][-1].append(_predicate(field, _value_test(field, operator, value, now), get))
    if len(stack) != 1:
        raise QueryError("push without pop")
    return _any_of(stack[0]) if found else None


def _predicate[T](field: str, test: Callable[[Scalar], bool], get: Getter[T]) -> Callable[[T], bool]:
    return lambda item: any(test(value) for value in get(item, field))


def _any_of[T](groups: list[list[Callable[[T], bool]]]) -> Callable[[T], bool]:
    if len(groups) == 1 and len(groups[0]) == 1:
        return groups[0][0]
    return lambda item: any(all(test(item) for test in group) for group in groups)


def sort_rows[T](rows: list[T], spec: str, get: Getter[T]) -> list[T]:
    """Sort by `field[:asc|:desc][:nullsLast]`, several separated by commas; missing values first."""
    for part in reversed([p for p in spec.split(",") if p]):
        field, *flags = part.split(":")
        rows = _sorted_by(rows, field, frozenset(flags), get)
    return rows


def _sorted_by[T](rows: list[T], field: str, flags: frozenset[str], get: Getter[T]) -> list[T]:
    known: list[tuple[float | str, T]] = []
    missing: list[T] = []
    for row in rows:
        value = next(iter(get(row, field)), None)
        if value is None:
            missing.append(row)
        else:
            known.append((value.casefold() if isinstance(value, str) else float(value), row))
    descending = "desc" in flags
    known.sort(key=lambda pair: pair[0], reverse=descending)
    ordered = [row for _value, row in known]
    if descending or "nullsLast" in flags:
        return ordered + missing
    return missing + ordered
