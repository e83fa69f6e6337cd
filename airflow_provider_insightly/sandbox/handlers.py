"""Which function serves an operation: by its exact path where it is special, by its path's shape otherwise."""

from __future__ import annotations

from functools import cache

from airflow_provider_insightly.api.catalogue import Operation
from airflow_provider_insightly.sandbox import children, files, links, operations, parts, special, workflows
from airflow_provider_insightly.sandbox.call import Handler

HANDLERS = {
    **operations.HANDLERS,
    **parts.HANDLERS,
    **links.HANDLERS,
    **children.HANDLERS,
    **files.HANDLERS,
    **workflows.HANDLERS,
    **special.HANDLERS,
}


@cache
def find_handler(operation: Operation) -> Handler:
    """Return the function that serves an operation.

    :raises LookupError: when none does; a test makes sure that this never happens.
    """
    method, path = operation.method, operation.path
    shape = "/".join(["", "*", *path.split("/")[2:]])
    handler = HANDLERS.get((method, path)) or HANDLERS.get((method, shape)) or children.child_handler(operation)
    if handler is None:
        raise LookupError(f"nothing serves {method} {path}")
    return handler
