"""Who may ask the server, and what its pages may do: it holds a corpus that may be private, on a machine whose browser visits strangers.

A page of another site can send requests to 127.0.0.1, and by a name of its own that it points there (DNS rebinding) it could read the answers too. So the Host
must be ours, and a request that another origin began is refused, whatever it asks. Should a crawled text get through the escaping after all, the policy lets it load,
run and send nothing.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
MOST_BYTES = 4_000_000
"""Of a request's body. A pasted text is the largest thing that is sent here."""
SAFE = ("GET", "HEAD")
OWN = ("same-origin", "none")
"""Of Sec-Fetch-Site: a page of ours, or the person (the address typed, a bookmark, a link in a terminal)."""


class OnlyUs:
    """Refuses what does not come from this server's own pages or from the person at the machine, and gives every answer `HEADERS`.

    Browsers that don't tell `Sec-Fetch-Site` (before 2023) tell an Origin with what they post; a post with neither is refused.
    Under our Referrer-Policy a form's Origin is `null`, and only Sec-Fetch-Site says that it is ours.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        answer = self.app if (why := self.refusal(scope["method"], Headers(scope=scope))) is None else PlainTextResponse(why, 403)
        await answer(scope, _bounded(receive), _with_headers(send))

    def refusal(self, method: str, headers: Headers) -> str | None:
        """Why a request is refused; None when it is not."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return "refused: this server answers to its own address on this machine alone"
        host = hosts[0].lower()
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site not in OWN:
            return "refused: another site began this request; open the address that `dollma audit` printed"
        if origin not in (None, "null", f"http://{host}") or (origin == "null" and site != "same-origin"):
            return "refused: the request comes from another origin"
        if method not in SAFE and site != "same-origin" and origin is None:
            return "refused: a post must come from one of this server's pages"
        if int(length) > MOST_BYTES if (length := headers.get("content-length", "0")).isdecimal() else True:
            return f"refused: more than {MOST_BYTES:,} bytes"
        return None


def _bounded(receive: Receive) -> Receive:
    """A body that stops after `MOST_BYTES`, whatever its length was said to be."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        return message if size <= MOST_BYTES else {"type": "http.disconnect"}

    return bounded


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return told
