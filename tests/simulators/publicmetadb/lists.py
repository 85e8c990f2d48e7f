"""Lists and their items (L1 to L6; API reference 3.2, 3.3)."""

from .envelope import (
    NOT_OWNER,
    ApiError,
    Call,
    Json,
    Reply,
    Route,
    chosen,
    created,
    deleted,
    media_type,
    owned,
    paged,
    stamps,
    title_fields,
    video_fields,
    whole,
)
from .rows import ItemRow, ListRow, ListType, Video, by_video
from .settings import Duplicate, ListReference
from .state import User
from .table import Table


def _lists(user: User) -> Table[ListRow]:
    return user.list_table


def write_list(call: Call, user: User, row: ListRow) -> Json:
    """Return a list as it is sent."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "type": row.type,
        "is_public": row.is_public,
        "item_count": len(user.item_tables[row.id]),
        **stamps(row, call.settings),
    }


def write_item(call: Call, row: ItemRow) -> Json:
    """Return a list item as it is sent; it has no season or episode."""
    fields = video_fields(row, call.settings)
    fields.pop("season", None)
    fields.pop("episode", None)
    match call.settings.list_reference:
        case ListReference.LIST_ID:
            fields["list_id"] = row.list_id
        case ListReference.LIST:
            fields["list"] = row.list_id
        case ListReference.LIST_OBJECT:
            fields["list"] = {"id": row.list_id}
    if call.settings.titles_in_items:
        fields |= title_fields(row, call.state)
    return fields | stamps(row, call.settings)


def read_lists(call: Call) -> Reply:
    """L1: GET /lists."""
    user = call.user
    found = chosen(call, user.list_table, call.settings.lists_order)
    return paged(call, found, lambda row: write_list(call, user, row))


def create_list(call: Call) -> Reply:
    """L2: POST /lists {name, description, is_public, type}; only name is mandatory."""
    body, user, settings = call.body(), call.user, call.settings
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ApiError(400, "name is required")
    kind: ListType
    match body.get("type", "custom"):
        case "custom":
            kind = "custom"
        case "watchlist":
            kind = "watchlist"
        case _:
            raise ApiError(400, "type must be watchlist or custom")
    if settings.max_lists is not None and len(user.list_table) >= settings.max_lists:
        raise ApiError(400, "Too many lists")
    for row in user.lists():
        if settings.list_names_unique and row.name == name:
            raise ApiError(409, "A list of that name already exists")
        if settings.single_watchlist and row.type == kind == "watchlist":
            raise ApiError(409, "A watchlist already exists")
    row = user.add_list(
        name,
        type=kind,
        description=str(body.get("description", "")),
        is_public=body.get("is_public") is True,
    )
    return created(call, write_list(call, user, row))


def delete_list(call: Call) -> Reply:
    """L3: DELETE /lists/{list_id}."""
    call.user.remove_list(owned(call, _lists, call.path["list_id"]).id)
    return deleted(call)


def _readable(call: Call) -> Table[ItemRow]:
    list_id = call.path["list_id"]
    for user in call.state.users.values():
        row = user.list_table.get(list_id)
        if row is not None and (user is call.user or row.is_public):
            return user.item_tables[list_id]
    return call.user.item_tables[owned(call, _lists, list_id).id]


def read_items(call: Call) -> Reply:
    """L4: GET /lists/{list_id}/items; a public list of another user can be read."""
    found = chosen(call, _readable(call), call.settings.items_order)
    return paged(call, found, lambda row: write_item(call, row))


def add_item(call: Call) -> Reply:
    """L5: POST /lists/{list_id}/items {tmdb_id, media_type}."""
    list_id = owned(call, _lists, call.path["list_id"]).id
    body = call.body()
    wanted: Video = (whole(body, "tmdb_id", 1), media_type(body), None, None)
    for row in call.user.item_tables[list_id].find(by_video, wanted):
        match call.settings.list_item_duplicate:
            case Duplicate.SAME_ROW:
                return Reply(body={"success": True, "item": write_item(call, row)})
            case Duplicate.CONFLICT:
                raise ApiError(409, "Item already exists in this list")
    row = call.user.add_item(list_id, tmdb_id=wanted[0], media_type=wanted[1])
    return created(call, write_item(call, row))


def remove_item(call: Call) -> Reply:
    """L6: DELETE /lists/{list_id}/items/{item_id}."""
    list_id = owned(call, _lists, call.path["list_id"]).id
    item_id = call.path["item_id"]
    if item_id not in call.user.item_tables[list_id]:
        others = (user for user in call.state.users.values() if user is not call.user)
        if any(item_id in table for user in others for table in user.item_tables.values()):
            raise ApiError(403, NOT_OWNER)
        raise ApiError(404, "Not found")
    call.user.remove_item(list_id, item_id)
    return deleted(call)


ROUTES = (
    Route("GET", "/lists", read_lists),
    Route("POST", "/lists", create_list),
    Route("DELETE", "/lists/{list_id}", delete_list),
    Route("GET", "/lists/{list_id}/items", read_items),
    Route("POST", "/lists/{list_id}/items", add_item),
    Route("DELETE", "/lists/{list_id}/items/{item_id}", remove_item),
)
