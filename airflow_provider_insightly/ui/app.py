"""The web application: every page behind Airflow's sign-in, with headers that let nothing foreign in."""

from __future__ import annotations

from importlib import resources
from typing import Any

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from airflow_provider_insightly.ui.access import same_origin
from airflow_provider_insightly.ui.pages import log, mapping, overview, payloads, plans, settings, timeline, why
from airflow_provider_insightly.ui.rendering import error_page

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Sent with everything: scripts and styles are files of this application, and no other site may frame it."""

app = FastAPI(
    title="Insightly",
    dependencies=[Depends(same_origin), Depends(get_user)],  # a plugin's application is open to anyone without this
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)
app.mount("/static", StaticFiles(directory=str(resources.files(__package__) / "static")), name="static")
for page in (overview, settings, mapping, payloads, plans, log, timeline, why):
    app.include_router(page.router)


@app.middleware("http")
async def add_headers(request: Request, call_next: Any) -> Response:
    """Add the headers; what is about records is kept by no cache."""
    answer: Response = await call_next(request)
    answer.headers.update(HEADERS)
    if "/static/" not in request.url.path:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@app.exception_handler(HTTPException)
async def show_error(request: Request, error: HTTPException) -> Response:
    """Show a refusal as a page, to a script as JSON."""
    return error_page(request, error.status_code, str(error.detail))


@app.exception_handler(RequestValidationError)
async def show_bad_request(request: Request, error: RequestValidationError) -> Response:
    """Name what of an address or form cannot be read."""
    problems = "; ".join(f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}" for problem in error.errors())
    return error_page(request, 400, problems)
