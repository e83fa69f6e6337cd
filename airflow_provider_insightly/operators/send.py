"""Operators for sends by hand, for sends by a unique field, and for records that failed before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_insightly.operators.records import template_settings
from airflow_provider_insightly.operators.sending import SendingOperator, names

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_insightly.api.client import InsightlyClient
    from airflow_provider_insightly.sending.record import Record, Rejection
    from airflow_provider_insightly.sending.request import Item
    from airflow_provider_insightly.sending.settings import SendSettings


class InsightlySendOperator(SendingOperator):
    """Sends records to any endpoint of the API, alone or in batches.

    A POST that is not known to have failed is never made twice, see ``match_on`` and ``on_unknown``.

    :param method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``, which has no body.
    :param url: a path below ``/v3.1`` or a full URL of the connection's host (templated). ``{record.FIELD}`` is filled
        in for each record, after Jinja.
    :param object: read and check the values by the fields of this object, as the templates do; without it they are
        sent as they are.
    :param id_field: the record's field that holds the id, for ``{id}`` in the URL.
    :param headers: request headers, as a dict or as ``name:value,name:value`` (templated).
    :param include_attributes: the fields to send, no others (templated).
    :param exclude_attributes: the fields to leave out of the body; the URL may use them all the same (templated).
    :param rename: new names of fields by their old ones (templated).
    :param nulls: ``omit`` leaves fields without a value out; ``send`` clears them.
    :param grouping: how several records share a body: ``json_array``, ``property_inside_json_object``,
        ``object_with_static_fields``, ``hoisted_fields``, ``wrapped_items``, ``map_by_key``, ``json_lines``, or a
        function of a list of records; ``None``: one record a request.
    :param grouping_options: the settings of the grouping, see :mod:`~airflow_provider_insightly.sending.grouping`.
    :param batch_size: the most records in a body.
    :param batch_bytes: the most bytes in a body.
    :param patch_fallback: ``put``: where the server refuses PATCH with 405, as Insightly's own does, send a PUT.
    :param allow_other_hosts: let a full URL name another host, which then receives the API key.

    The other parameters are those of :class:`~airflow_provider_insightly.operators.sending.SendingOperator`.
    """

    template_fields: Sequence[str] = (
        *SendingOperator.template_fields,
        "url",
        "headers",
        "include_attributes",
        "exclude_attributes",
        "rename",
        "grouping_options",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "records": "json",
        "rename": "json",
        "headers": "json",
        "grouping_options": "json",
    }

    def __init__(
        self,
        *,
        url: str,
        method: str = "POST",
        object: str | None = None,
        id_field: str | None = None,
        headers: dict[str, str] | str | None = None,
        include_attributes: str | Sequence[str] = (),
        exclude_attributes: str | Sequence[str] = (),
        rename: dict[str, str] | None = None,
        nulls: str = "omit",
        grouping: str | Callable[[list[Any]], Any] | None = None,
        grouping_options: dict[str, Any] | None = None,
        batch_size: int = 100,
        batch_bytes: int | None = None,
        patch_fallback: str | None = None,
        allow_other_hosts: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.url: str | None = url
        self.method = method
        self.object = object
        self.id_field = id_field
        self.headers = headers
        self.include_attributes = include_attributes
        self.exclude_attributes = exclude_attributes
        self.rename = rename
        self.nulls = nulls
        self.grouping = grouping
        self.grouping_options = grouping_options
        self.batch_size = batch_size
        self.batch_bytes = batch_bytes
        self.patch_fallback = patch_fallback
        self.allow_other_hosts = allow_other_hosts
        if grouping is not None and isinstance(url, str) and "{record." in url:
            raise ValueError(
                f"The URL {url!r} is filled in for each record, but a batch has one URL for many: remove the grouping, "
                "or {record.…} from the URL."
            )

    def build_settings(self) -> SendSettings:
        """Return the settings of the send."""
        from airflow_provider_insightly.sending.address import read_headers
        from airflow_provider_insightly.sending.grouping import make_grouping
        from airflow_provider_insightly.sending.settings import SendSettings

        if self.grouping is None and self.grouping_options:
            raise ValueError("grouping_options are given, but no grouping; choose one.")
        return SendSettings(
            method=self.method,
            url=self.url or "",
            object=self.object,
            id_field=self.id_field,
            headers=read_headers(self.headers),
            include_attributes=names(self.include_attributes),
            exclude_attributes=names(self.exclude_attributes),
            rename=self.rename or {},
            nulls=self.nulls,  # type: ignore[arg-type]
            grouping=make_grouping(self.grouping, self.grouping_options) if self.grouping is not None else None,
            batch_size=self.batch_size,
            batch_bytes=self.batch_bytes,
            patch_fallback=self.patch_fallback,  # type: ignore[arg-type]
            allow_other_hosts=self.allow_other_hosts,
            mask_fields=names(self.mask_fields),
        )


class InsightlyUpsertOperator(SendingOperator):
    """Updates the record that has the same value in a unique field, and creates it where there is none.

    Several records with the value: the record is rejected, never guessed. Up to 20 records are searched for one by
    one, by the value as it is given and in lower case; for more the object is read once, 500 records a request, and
    values are compared without case.

    :param object: ``Contacts``, ``Organisations`` …
    :param match_on: the field, standard or custom, or the fields that must all agree. A create whose answer was lost
        is looked up by them too.
    :param include_attributes: the fields to send, no others (templated).
    :param exclude_attributes: the fields to leave out (templated).
    :param rename: new names of fields by their old ones, applied before ``match_on`` (templated).
    :param nulls: ``omit`` leaves fields without a value out; ``send`` clears them.

    The other parameters are those of :class:`~airflow_provider_insightly.operators.sending.SendingOperator`.
    """

    template_fields: Sequence[str] = (
        *SendingOperator.template_fields,
        "object",
        "match_on",
        "include_attributes",
        "exclude_attributes",
        "rename",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json", "rename": "json"}
    reads_object = True

    def __init__(
        self,
        *,
        object: str,
        match_on: str | Sequence[str],
        include_attributes: str | Sequence[str] = (),
        exclude_attributes: str | Sequence[str] = (),
        rename: dict[str, str] | None = None,
        nulls: str = "omit",
        **kwargs: Any,
    ) -> None:
        super().__init__(match_on=match_on, **kwargs)
        self.object = object
        self.include_attributes = include_attributes
        self.exclude_attributes = exclude_attributes
        self.rename = rename
        self.nulls = nulls

    def build_settings(self) -> SendSettings:
        """Return the settings by which a record is read and, where it is new, created."""
        from airflow_provider_insightly.api.catalogue import get_object
        from airflow_provider_insightly.sending.settings import SendSettings

        target = get_object(self.object)
        lacking = {"list", "search", "create", "update"} - target.verbs
        if lacking:
            raise ValueError(f"{target.name} cannot be upserted: the API offers no {' and no '.join(sorted(lacking))}.")
        if not names(self.match_on):
            raise ValueError("match_on must name the field by which a record is found.")
        return SendSettings(
            method="POST",
            url=target.path,
            object=target.name,
            include_attributes=names(self.include_attributes),
            exclude_attributes=names(self.exclude_attributes),
            rename=self.rename or {},
            nulls=self.nulls,  # type: ignore[arg-type]
            mask_fields=names(self.mask_fields),
        )

    def read_items(
        self, settings: SendSettings, records: Iterable[Record | Rejection], client: InsightlyClient
    ) -> Iterator[Item | Rejection]:
        """Yield the records, each as a create or as an update of the one that was found."""
        from airflow_provider_insightly.api.catalogue import get_object
        from airflow_provider_insightly.sending.upsert import upsert_items

        items = super().read_items(settings, records, client)
        return upsert_items(items, client, get_object(self.object), names(self.match_on))


class InsightlyReplayOperator(InsightlySendOperator):
    """Sends the records of a rejected file again: corrected, or after what stood in the way is gone.

    It goes on under the name of the send that wrote the file: what that send created meanwhile is skipped, and a
    create whose answer it lost is looked up before it is sent again. Give it what the send had: the template, or the
    method and the URL, and the settings of the fields.

    :param records: the path of the rejected file (templated); ``None``, as a send returns it when nothing failed, is
        a replay of nothing.
    :param template: the template of the send that wrote the file (templated); or
    :param url: its URL, for a send by hand (templated).
    :param update_mode: with a template: as in the send.
    :param allow_replace: the consent that ``update_mode="replace"`` asks for.

    The other parameters are those of :class:`InsightlySendOperator`.
    """

    template_fields: Sequence[str] = ("template", *InsightlySendOperator.template_fields)

    def __init__(
        self,
        *,
        template: str | None = None,
        url: str | None = None,
        update_mode: str = "partial",
        allow_replace: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(url=url or "", **kwargs)
        self.template = template
        self.url = url
        self.update_mode = update_mode
        self.allow_replace = allow_replace

    def build_settings(self) -> SendSettings:
        """Return the settings of the send that wrote the file."""
        if bool(self.template) == bool(self.url):
            raise ValueError("Give the template of the send that wrote the file, or its url, and not both.")
        if not self.template:
            return super().build_settings()
        return template_settings(self)

    def find_path(self) -> str | None:
        """Return the path of the rejected file; ``None`` where nothing failed."""
        return None if self._has_nothing() else self.records

    def read_records(self, settings: SendSettings) -> Iterator[Record | Rejection]:
        """Yield the records of the file."""
        from airflow_provider_insightly.operators.storage import read_path
        from airflow_provider_insightly.sending.replay import read_rejected

        if self._has_nothing():
            return iter(())
        return read_rejected(read_path(self.records, "jsonl"))

    def find_send_key(self, context: Context) -> str:
        """Return the name of the send that wrote the file."""
        from airflow_provider_insightly.operators.storage import read_path
        from airflow_provider_insightly.sending.replay import find_send

        found = None if self._has_nothing() else find_send(read_path(self.records, "jsonl"))
        return found or super().find_send_key(context)

    def _has_nothing(self) -> bool:
        if self.records in (None, "", "None"):
            return True
        if not isinstance(self.records, str):
            raise ValueError("records must be the path of a rejected file.")
        return False
