"""What the sandbox answers: a status, headers and a body, in the shapes that the live API uses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

_PAGE = (
    "<!DOCTYPE html><html><head><title>Runtime Error</title></head>"
    "<body><h1>Server Error in '/' Application.</h1><p>{}</p></body></html>"
)
ERROR_PAGE = _PAGE.format("The sandbox was told to answer with this page.")
DEFECT_PAGE = _PAGE.format("This is a defect of the sandbox itself: its output has the traceback.")


@dataclass(slots=True)
class Answer:
    """An HTTP answer before limits, compression and faults have touched it."""

    status: int
    body: bytes = b""
    content_type: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """The request cannot be served; the answer says why, as Insightly would.

    :param status: the HTTP status.
    :param text: what went wrong.
    :param framework: the web framework's own error, ``{"Message": text}``; an application's error is plain text.
    """

    def __init__(self, status: int, text: str, *, framework: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.framework = framework


write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(value: Any) -> bytes:
    """Write a value as compact JSON in UTF-8."""
    return write_json(value).encode()


def json_answer(status: int, value: Any) -> Answer:
    """Answer with a value as JSON."""
    return Answer(status, encode(value))


def empty_answer(status: int) -> Answer:
    """Answer without a body, as to DELETE."""
    return Answer(status, content_type=None)


def html_answer(status: int, page: str = ERROR_PAGE) -> Answer:
    """Answer with an HTML page."""
    return Answer(status, page.encode(), HTML)


def error_answer(error: ApiError, shape: str) -> Answer:
    """Answer with an error.

    :param error: what went wrong.
    :param shape: how application errors are written: ``text``, ``string`` (a bare JSON string) or ``message``.
    """
    if error.framework or shape == "message":
        return json_answer(error.status, {"Message": error.text})
    if shape == "string":
        return json_answer(error.status, error.text)
    return Answer(error.status, error.text.encode(), TEXT)


def not_found(method: str, path: str) -> ApiError:
    """Return the framework's error for a path that leads nowhere."""
    return ApiError(404, f"No HTTP resource was found that matches the request {method} '{path}'.", framework=True)


def wrong_method(method: str) -> ApiError:
    """Return the framework's error for a method that a path lacks; a wrong singular or plural gets it too."""
    return ApiError(405, f"The requested resource does not support http method '{method}'.", framework=True)
