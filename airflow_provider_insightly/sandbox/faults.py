"""Faults on order: which requests fail, and how; repeatable from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Number = Annotated[int, Field(ge=1)]

Kind = Literal[
    "status", "html", "drop_before", "drop_after_commit", "stall", "slow_body", "truncate", "shift", "clock_skew"
]


class Fault(BaseModel):
    """A kind of failure and the requests that it befalls.

    ``status`` and ``html`` answer instead of serving the request; ``drop_before`` closes the connection before anything
    is done, ``drop_after_commit`` when all is done but nothing answered; ``stall`` serves the request and answers after
    ``seconds``; ``slow_body`` takes ``seconds`` over the body, ``truncate`` stops in its middle. ``shift`` moves a list
    by ``records`` under a reader who is past its first page; ``clock_skew`` serves the request with a clock that is
    ``seconds`` ahead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Kind
    rate: float | None = Field(None, ge=0, le=1, description="the share of matching requests")
    nth: Number | list[Number] | None = Field(None, description="the matching requests by number, from 1")
    every: int | None = Field(None, ge=1, description="every so many matching requests")
    method: str | None = Field(None, description="GET, POST …; none: any")
    object: str | None = Field(None, description="Contacts, Leads …; none: any")
    path: str | None = Field(None, description="a part of the path, in any case; none: any")
    times: int | None = Field(None, ge=0, description="the most requests that it befalls; none: no limit")
    status: int = Field(500, ge=200, le=599)
    retry_after: float | None = Field(None, ge=0)
    text: str | None = None
    seconds: float = Field(1.0, ge=-1e9, le=1e9)
    records: int = Field(-1)

    @model_validator(mode="after")
    def _one_choice(self) -> Fault:
        if sum(choice is not None for choice in (self.rate, self.nth, self.every)) > 1:
            raise ValueError("give one of rate, nth and every")
        return self

    def matches(self, method: str, obj: str, path: str) -> bool:
        """Return whether a request is of the kind that the fault is meant for."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.object is None or self.object.lower() == obj.lower())
            and (self.path is None or self.path.lower() in path.lower())
        )


class Order(BaseModel):
    """The body of ``POST /sandbox/faults``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    faults: list[Fault] = []


class Faults:
    """Decides for each request which fault befalls it.

    The decision depends on the seed and on how many matching requests came before, and on nothing else.
    """

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0) -> None:
        self.faults = tuple(faults)
        self.seed = seed
        self.seen = [0] * len(self.faults)
        self.fired = [0] * len(self.faults)
        self._random = [random.Random(f"{seed}/{number}") for number in range(len(self.faults))]  # noqa: S311

    def choose(self, method: str, obj: str, path: str) -> Fault | None:
        """Return the first fault that befalls a request, or ``None``; call once a request."""
        chosen = None
        for number, fault in enumerate(self.faults):
            if not fault.matches(method, obj, path):
                continue
            self.seen[number] += 1
            if self._falls_on(number, fault) and chosen is None and self.fired[number] != fault.times:
                self.fired[number] += 1
                chosen = fault
        return chosen

    def _falls_on(self, number: int, fault: Fault) -> bool:
        if fault.nth is not None:
            return self.seen[number] in (fault.nth if isinstance(fault.nth, list) else [fault.nth])
        if fault.every is not None:
            return self.seen[number] % fault.every == 0
        return fault.rate is None or self._random[number].random() < fault.rate
