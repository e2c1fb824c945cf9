"""The application: addresses and what answers them, how a request becomes arguments, how an error becomes a page."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from urllib.parse import parse_qsl, unquote

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from curation.audit.svg import COLOURS
from curation.errors import DollmaError
from pipelines.audit_server import compare, document, explorer, labelling, overview, similar, what_if
from pipelines.audit_server.pages import ANNOTATOR, error_page
from pipelines.audit_server.security import OnlyUs
from pipelines.audit_server.state import Asked, Audit

View = Callable[[Audit, Asked], Response]

PAGES: dict[str, View] = {
    "/": overview.overview,
    "/explore": explorer.explore,
    "/document": document.document,
    "/beside": document.beside,
    "/similar": similar.similar,
    "/what-if": what_if.what_if_page,
    "/what-if/override.yaml": what_if.override_file,
    "/labels": labelling.labels_page,
    "/label": labelling.label_page,
    "/compare": compare.compare,
}
POSTS: dict[str, View] = {"/similar": similar.similar, "/label": labelling.add_label}
"""Every address. None has a part that varies, so no part of one can name a file."""
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FIELDS = 50


def make_app(audit: Audit, port: int) -> Starlette:
    """The pages of one version, for a server that listens on this port of 127.0.0.1."""
    routes = [Route(path, _endpoint(audit, view), methods=["GET"]) for path, view in PAGES.items()]
    routes += [Route(path, _endpoint(audit, view), methods=["POST"]) for path, view in POSTS.items()]
    routes += [Route(f"/static/{name}", _static(content, kind), methods=["GET"]) for name, content, kind in _statics()]
    handlers = {DollmaError: _error, ValidationError: _error, HTTPException: _error}
    app = Starlette(routes=routes, middleware=[Middleware(OnlyUs, port=port)], exception_handlers=handlers)
    app.state.audit = audit
    return app


def _endpoint(audit: Audit, view: View) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        form: dict[str, str] = {}
        if request.method == "POST":
            body = (await request.body()).decode("utf-8", "replace")
            try:
                form = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS))
            except ValueError as error:
                raise HTTPException(400, f"a form of more than {FIELDS} fields") from error
        asked = Asked(request.query_params, form, unquote(request.cookies.get(ANNOTATOR, "")))
        return await run_in_threadpool(view, audit, asked)

    return endpoint


def _statics() -> list[tuple[str, bytes, str]]:
    folder = files("pipelines.audit_server") / "static"
    found = [(item.name, item.read_bytes(), TYPES[item.name[item.name.rindex(".") :]]) for item in folder.iterdir() if item.is_file()]
    return [*found, ("charts.css", COLOURS.encode(), TYPES[".css"])]


def _static(content: bytes, kind: str) -> Callable[[Request], object]:
    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=kind)

    return endpoint


async def _error(request: Request, error: Exception) -> Response:
    """A page that says what was wrong with the request."""
    match error:
        case HTTPException():
            code, told = error.status_code, "There is no such page." if error.status_code == 404 else str(error.detail)
        case ValidationError():
            code, told = 400, "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}, not {one['input']!r}" for one in error.errors())
        case _:
            code, told = 400, str(error)
    return error_page(request.app.state.audit, told, code)
