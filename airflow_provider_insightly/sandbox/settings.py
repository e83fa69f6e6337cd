"""What can be set about the sandbox, on the command line and, while it runs, by ``POST /sandbox/settings``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from airflow_provider_insightly.api.catalogue import get_object


class Settings(BaseModel):
    """How the sandbox behaves where the live API is limited, slow, or unknown.

    Each field's description is also the help text of its command line option.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rate: float = Field(default=10, ge=0, description="requests a second before 429; 0: no limit")
    concurrency: int = Field(default=0, ge=0, description="requests at one time before 429; 0: no limit")
    daily_quota: int = Field(default=0, ge=0, description="requests in 24 hours before 429; 0: no limit")
    retry_after: float | None = Field(
        default=None, ge=0, description="seconds in the Retry-After of a 429; none: no header"
    )
    latency_ms: float = Field(default=0, ge=0, le=1e9, description="milliseconds that each answer takes at least")
    read_lag: float = Field(
        default=0, ge=0, le=1e9, description="seconds by which lists and searches lag behind writes"
    )
    put: Literal["partial", "replace"] = Field(
        default="partial", description="whether PUT clears the fields that its body lacks"
    )
    patch: bool = Field(default=False, description="answer PATCH as a partial PUT; else with 405")
    error_shape: Literal["text", "string", "message"] = Field(
        default="text", description="application errors as plain text, a bare JSON string, or {'Message': ...}"
    )
    unknown_fields: Literal["ignore", "reject"] = Field(
        default="ignore", description="what becomes of a field that an object lacks"
    )
    undefined_custom: Literal["accept", "reject"] = Field(
        default="accept", description="what becomes of a custom field or custom object (…__c) that nobody defined"
    )
    unset_custom: Literal["omit", "null"] = Field(
        default="omit", description="custom fields without a value: left out of a record, or in it with null"
    )
    no_access: Literal["missing", "forbidden"] = Field(
        default="missing", description="a record that the user may not see, asked for by its id: 404 or 403"
    )
    record_limit: int = Field(default=0, ge=0, description="records before POST gets 402; 0: no limit")
    without: tuple[str, ...] = Field(default=(), description="objects that the plan lacks, such as Prospect")
    clock_offset: float = Field(
        default=0, ge=-1e9, le=1e9, description="seconds by which the server's clock is ahead; negative: behind"
    )

    @field_validator("without")
    @classmethod
    def _are_objects(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(get_object(name).name for name in names)
        except LookupError as error:
            raise ValueError(str(error)) from None
