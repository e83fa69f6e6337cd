"""Where an Insightly instance answers: by its pod, or at a base URL."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

BASE_PATH = "/v3.1"
"""The path of the API on its host."""

WHERE_THE_POD_IS = "the part after 'api.' in the URL under User Settings > API: na1, eu1, au1 …"
POD = re.compile(r"[a-z]{2,3}[0-9]{1,2}")


def find_base_url(pod: str | None, base_url: str | None) -> str:
    """Return the API's address for a pod, or a given address made regular.

    :param pod: such as ``na1``.
    :param base_url: wins over the pod; ``https://`` and ``/v3.1`` are added where they are missing.
    :raises ValueError: neither is given, or the pod cannot be one.
    """
    if base_url:
        url = base_url if "://" in base_url else f"https://{base_url}"
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url {base_url!r} is no web address; an example: https://api.na1.insightly.com/v3.1")
        return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}{BASE_PATH}"
    if not pod:
        raise ValueError(f"Neither pod nor base_url is given. The pod is {WHERE_THE_POD_IS}.")
    if not POD.fullmatch(pod):
        raise ValueError(f"{pod!r} is no pod. The pod is {WHERE_THE_POD_IS}.")
    return f"https://api.{pod}.insightly.com{BASE_PATH}"


def find_pod(url: str) -> str | None:
    """Return the pod of an address of Insightly's own; ``None`` for any other, such as a local Insightly."""
    found = re.fullmatch(rf"api\.({POD.pattern})\.insightly\.com", urlsplit(url).hostname or "")
    return found[1] if found else None
