"""JSON and XML from one neutral container (API reference 2.1)."""

from html import escape
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from aiohttp import web
import orjson

from tests.simulators.plex.rows import Row

_VIDEO: Final = frozenset({"movie", "episode", "clip"})
_MUSIC_TAGS: Final = {"track": "Track", "album": "Directory", "artist": "Directory"}
_REASONS: Final = {
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    414: "URI Too Long",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    498: "Token Expired",
    503: "Service Unavailable",
}


def wants_json(request: web.Request) -> bool:
    """JSON only when Accept names it as the only or the first choice."""
    first = request.headers.get("Accept", "").split(",")[0].split(";")[0].strip().lower()
    return first == "application/json"


def element(tag: str, row: Row) -> str:
    """Render one row as an element: scalars are attributes, lists and dicts are children."""
    parts = [f"<{tag}"]
    inner: list[str] = []
    for name, value in row.items():
        if isinstance(value, list):
            inner.extend(_child(name, one) for one in value)
        elif isinstance(value, dict):
            inner.append(element(name, value))
        elif value is not None:
            parts.append(f" {name}={quoteattr(_text(value))}")
    if not inner:
        return "".join([*parts, "/>"])
    return "".join([*parts, ">", *inner, f"</{tag}>"])


def _child(name: str, one: Any) -> str:
    if not isinstance(one, dict):
        return f"<{name}>{escape(_text(one))}</{name}>"
    if name == "Metadata":
        kind = str(one.get("type"))
        return element("Video" if kind in _VIDEO else _MUSIC_TAGS.get(kind, "Directory"), one)
    return element(name, one)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.1f}"
    return str(value)


def respond(
    request: web.Request,
    data: Row,
    *,
    root: str = "MediaContainer",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Answer with the data under `root`, in the form the request accepts.

    JSON has the root as its only key for a MediaContainer; plex.tv v2 objects are bare.
    """
    if wants_json(request):
        body: Any = {root: data} if root == "MediaContainer" else data
        return json_response(body, status=status, headers=headers)
    return xml_response(element(root, data), status=status, headers=headers)


def json_response(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer JSON whatever was accepted."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


def xml_response(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer XML with the usual declaration."""
    return web.Response(
        body=f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode(),
        status=status,
        headers=headers,
        content_type="text/xml",
        charset="utf-8",
    )


def empty_response(status: int = 200) -> web.Response:
    """Answer a write: 200 with an empty body."""
    return web.Response(status=status, content_type="text/html", charset="utf-8")


def html_error(status: int, headers: dict[str, str] | None = None) -> web.Response:
    """Answer an error the way a PMS does: a short HTML page."""
    reason = _REASONS.get(status, "Error")
    page = f"<html><head><title>{reason}</title></head><body><h1>{status} {reason}</h1></body></html>"
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)


def api_error(request: web.Request, status: int, code: int, message: str) -> web.Response:
    """Answer an error the way plex.tv v2 does: `{"errors":[{code,message,status}]}` (1.2)."""
    error = {"code": code, "message": message, "status": status}
    if wants_json(request):
        return json_response({"errors": [error]}, status=status)
    return xml_response(element("errors", {"error": [error]}), status=status)
