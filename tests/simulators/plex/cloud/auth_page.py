"""The sign-in page at app.plex.tv (API reference 1.2): choose a user, press Allow.

The arguments sit in the URL fragment (`#?clientID=…&code=…` or `#!?…`), which no server ever sees;
the page reads them, shows the product that asks, and posts the code to the control API.
"""

from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from tests.simulators.plex.cloud.server import PlexCloud

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Plex sign-in (simulated)</title>
<style>
body { background: #1f2326; color: #eee; font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { margin: 10vh auto; max-width: 24rem; padding: 2rem; background: #2b3035; border-radius: 8px; }
label { display: block; margin: .5rem 0; }
button { background: #e5a00d; border: 0; border-radius: 4px; font: inherit; padding: .6rem 2rem; }
</style>
</head>
<body>
<main>
<h1>Sign in to Plex</h1>
<p><strong id="product">An app</strong> wants to use your account.</p>
<form id="form">
%(users)s
<p><button id="allow" type="submit">Allow</button></p>
</form>
<p id="result" role="status"></p>
</main>
<script>
const args = new URLSearchParams(location.hash.replace(/^#!?\\??/, ""));
const product = args.get("context[device][product]");
if (product) document.getElementById("product").textContent = product;
document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const user = new FormData(event.target).get("user");
  const answer = await fetch("/_simulator/pins/claim", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code: args.get("code"), user }),
  });
  const result = document.getElementById("result");
  if (!answer.ok) {
    result.textContent = "This code is unknown or has expired.";
    return;
  }
  result.textContent = "You're signed in. You may close this window.";
  document.getElementById("allow").disabled = true;
  const forward = args.get("forwardUrl");
  if (forward) location.href = forward;
});
</script>
</body>
</html>
"""


def register(cloud: PlexCloud) -> None:
    """Add the page."""

    async def page(_request: web.Request) -> web.Response:
        people = [user for user in cloud.accounts.users if user.username]
        users = "\n".join(
            f'<label><input type="radio" name="user" value="{user.id}"'
            f"{' checked' if place == 0 else ''}> {escape(user.name)}</label>"
            for place, user in enumerate(people)
        )
        return web.Response(text=_PAGE % {"users": users}, content_type="text/html")

    for path in ("/app.plex.tv/auth", "/app.plex.tv/auth/"):
        cloud.app.router.add_get(path, page)
