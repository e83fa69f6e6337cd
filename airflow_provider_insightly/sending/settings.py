"""The settings of a send: which request each record becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from airflow_provider_insightly.api.catalogue import InsightlyObject, get_object
from airflow_provider_insightly.sending.address import ID, check_url, fields_of_url, object_of
from airflow_provider_insightly.sending.grouping import Grouping
from airflow_provider_insightly.sending.template import Template

UpdateMode = Literal["partial", "merge", "replace"]
Nulls = Literal["omit", "send"]

METHODS = ("POST", "PUT", "PATCH", "DELETE")
BATCH_SIZE = 100


class SettingError(ValueError):
    """A setting cannot work.

    :param name: the setting at fault.
    """

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class SendSettings:
    """Everything that decides about the requests of a send, and nothing about their delivery.

    :param method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``; a DELETE has no body.
    :param url: a path below ``/v3.1`` or a full URL; ``{id}`` is the record's id, ``{record.FIELD}`` a field.
    :param object: the object of the catalogue by which values are read and checked; ``None``: they go as they are.
    :param id_field: the record's field that holds the id.
    :param required: fields without which no request is made.
    :param update_mode: ``partial``: the id and the given fields; ``merge``: read the record, lay the given fields
        over it and send the whole; ``replace``: the fields that are not given are nulled.
    :param allow_replace: the consent that ``update_mode="replace"`` asks for.
    :param headers: request headers besides the provider's own.
    :param include_attributes: send these fields alone.
    :param exclude_attributes: leave these fields out, after the URL is filled in.
    :param rename: new names of fields by their old ones, after leaving out.
    :param nulls: ``omit`` leaves fields without a value out; ``send`` sends nulls, which clear the fields.
    :param grouping: how records share a body; ``None``: one record a request.
    :param batch_size: the most records in a body.
    :param batch_bytes: the most bytes in a body.
    :param patch_fallback: ``put``: send a PATCH that the server answers with 405 as a PUT.
    :param allow_other_hosts: let a full URL name a host other than the connection's, which then gets the API key.
    :param mask_fields: fields whose values stand nowhere but in the requests; a field that is renamed by either name.
    :raises SettingError: two settings exclude each other; the message names both and the way out.
    """

    method: str
    url: str
    object: str | None = None
    id_field: str | None = None
    required: tuple[str, ...] = ()
    update_mode: UpdateMode = "partial"
    allow_replace: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    include_attributes: tuple[str, ...] = ()
    exclude_attributes: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    nulls: Nulls = "omit"
    grouping: Grouping | None = None
    batch_size: int = BATCH_SIZE
    batch_bytes: int | None = None
    patch_fallback: Literal["put"] | None = None
    allow_other_hosts: bool = False
    mask_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        self._check_words()
        try:
            check_url(self.url)
        except ValueError as error:
            raise SettingError("url", str(error)) from None
        self._check_update_mode()
        self._check_batching()
        if ID in self.url and self.id_field is None:
            raise SettingError("id_field", "The URL has {id}: id_field must name the record's field that holds the id.")
        if self.include_attributes and set(self.include_attributes) & set(self.exclude_attributes):
            both = sorted(set(self.include_attributes) & set(self.exclude_attributes))
            raise SettingError(
                "exclude_attributes",
                f"include_attributes and exclude_attributes both name {', '.join(both)}; keep one of them.",
            )
        if self.patch_fallback and self.method != "PATCH":
            raise SettingError("patch_fallback", f"patch_fallback is for method PATCH, not {self.method}; remove it.")
        if len(set(self.rename.values())) < len(self.rename):
            raise SettingError("rename", f"rename gives two fields the same name: {dict(self.rename)}.")

    @property
    def target(self) -> InsightlyObject | None:
        """The object whose records the send is about: the one that is named, else the one in the URL."""
        return get_object(self.object) if self.object else object_of(self.url)

    @property
    def masked(self) -> frozenset[str]:
        """The names of the fields whose values are masked: as the source has them, and as Insightly does."""
        renamed = {name for pair in self.rename.items() if set(pair) & set(self.mask_fields) for name in pair}
        return frozenset(self.mask_fields) | renamed

    def check_host(self, base_url: str) -> None:
        """Refuse a URL that does not belong to the connection's address, before anything is sent.

        :raises SettingError: the API key would go to another host, which nobody allowed, or the version of the API
            would stand in the address twice.
        """
        if "://" not in self.url:
            first, version = self.url.strip("/").partition("/")[0], base_url.rstrip("/").rpartition("/")[2]
            if first == version:
                raise SettingError(
                    "url", f"The URL {self.url!r} is below /{version} already: leave that out, or give a full URL."
                )
            return
        if self.allow_other_hosts:
            return
        here, there = urlsplit(base_url), urlsplit(self.url)
        if (here.scheme, here.netloc.lower()) != (there.scheme, there.netloc.lower()):
            raise SettingError(
                "url",
                f"The URL is of {there.scheme}://{there.netloc}, the connection of {here.scheme}://{here.netloc}: the "
                "API key is not sent to another host. Give a path such as /Contacts, correct the pod, or set "
                "allow_other_hosts.",
            )

    def _check_words(self) -> None:
        for name, value, choices in (
            ("method", self.method, METHODS),
            ("update_mode", self.update_mode, ("partial", "merge", "replace")),
            ("nulls", self.nulls, ("omit", "send")),
            ("patch_fallback", self.patch_fallback, (None, "put")),
        ):
            if value not in choices:
                raise SettingError(name, f"{name} is {value!r}; it must be one of {', '.join(map(str, choices))}.")

    def _check_update_mode(self) -> None:
        if self.update_mode == "partial":
            return
        if self.method != "PUT" or self.id_field is None or self.object is None:
            raise SettingError(
                "update_mode",
                f"update_mode {self.update_mode!r} is for updates (method PUT) of an object by its id; "
                "remove it, or name object and id_field.",
            )
        if self.update_mode == "replace" and not self.allow_replace:
            raise SettingError(
                "allow_replace",
                "update_mode 'replace' clears every field that a record does not give: say allow_replace=True if that "
                "is meant, or use 'partial' or 'merge'.",
            )

    def _check_batching(self) -> None:
        if self.batch_size < 1 or (self.batch_bytes is not None and self.batch_bytes < 1):
            raise SettingError("batch_size", "batch_size and batch_bytes must be at least 1.")
        if self.grouping is None:
            if self.batch_bytes is not None or self.batch_size != BATCH_SIZE:
                raise SettingError("grouping", "batch_size and batch_bytes are for batching: choose a grouping too.")
            return
        if self.method == "DELETE":
            raise SettingError("grouping", "A DELETE has no body to group records in; remove the grouping.")
        if fields_of_url(self.url) or ID in self.url:
            raise SettingError(
                "grouping",
                f"The URL {self.url!r} is filled in for each record, but a batch has one URL for many: remove the "
                "grouping, or the field from the URL.",
            )
        if self.update_mode != "partial":
            raise SettingError(
                "grouping", f"update_mode {self.update_mode!r} sends one record a request; remove the grouping."
            )


def from_template(template: Template, **changes: object) -> SendSettings:
    """Return the settings of a template, with changes such as ``id_field`` or ``exclude_attributes``.

    :raises SettingError: a grouping, which no endpoint of Insightly's own takes.
    """
    if changes.get("grouping") is not None:
        raise SettingError(
            "grouping",
            f"The endpoint of the template {template.name} takes one record a request, so a grouping cannot work; "
            "use InsightlySendOperator for an endpoint that takes more.",
        )
    given = {name: value for name, value in changes.items() if value not in (None, (), {})}
    excluded = (*template.exclude_attributes, *given.pop("exclude_attributes", ()))  # type: ignore[misc]
    fields: dict[str, object] = {
        "method": template.method,
        "url": template.path,
        "object": template.object,
        "id_field": template.id_field,
        "required": template.required,
        **given,
        "exclude_attributes": excluded,
    }
    return SendSettings(**fields)  # type: ignore[arg-type]
