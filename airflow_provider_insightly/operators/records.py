"""Operators of the endpoint templates: create, update and delete records of any object.

Source: the endpoint templates of Insightly's destination page, ``https://api.na1.insightly.com/v3.1/Help``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_insightly.operators.sending import SendingOperator, names

if TYPE_CHECKING:
    from airflow_provider_insightly.sending.settings import SendSettings


class InsightlyRecordsOperator(SendingOperator):
    """Sends each record to the endpoint of a template, one request a record.

    Values are read by the type of their field, keys that end in ``__c`` go to the custom fields, and a record that
    Insightly could not take is rejected before any request, with its line and the field's name.

    :param template: ``create_contact``, ``update_lead``, ``delete_organisation`` …: see
        :func:`~airflow_provider_insightly.sending.template.templates` (templated).
    :param id_field: the record's field that holds the id, for updates and deletions; the object's own by default.
    :param update_mode: ``partial`` sends the given fields, ``merge`` lays them over the record as it is,
        ``replace`` nulls all others.
    :param allow_replace: the consent that ``replace`` asks for.
    :param nulls: ``omit`` leaves fields without a value out; ``send`` clears them.
    :param include_attributes: the fields to send, no others (templated).
    :param exclude_attributes: the fields to leave out (templated).
    :param rename: new names of fields by their old ones (templated).
    :param headers: request headers, as a dict or as ``name:value,name:value`` (templated).

    The other parameters are those of :class:`~airflow_provider_insightly.operators.sending.SendingOperator`.
    """

    template_fields: Sequence[str] = (
        "template",
        *SendingOperator.template_fields,
        "id_field",
        "include_attributes",
        "exclude_attributes",
        "rename",
        "headers",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json", "rename": "json", "headers": "json"}

    def __init__(
        self,
        *,
        template: str,
        id_field: str | None = None,
        update_mode: str = "partial",
        allow_replace: bool = False,
        nulls: str = "omit",
        include_attributes: str | Sequence[str] = (),
        exclude_attributes: str | Sequence[str] = (),
        rename: dict[str, str] | None = None,
        headers: dict[str, str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.template = template
        self.id_field = id_field
        self.update_mode = update_mode
        self.allow_replace = allow_replace
        self.nulls = nulls
        self.include_attributes = include_attributes
        self.exclude_attributes = exclude_attributes
        self.rename = rename
        self.headers = headers

    def build_settings(self) -> SendSettings:
        """Return the settings of the send: the template's, with this operator's."""
        return template_settings(self)


def template_settings(operator: Any) -> SendSettings:
    """Return the settings of a send by template, from an operator that has the template's parameters."""
    from airflow_provider_insightly.sending.address import read_headers
    from airflow_provider_insightly.sending.settings import from_template
    from airflow_provider_insightly.sending.template import get_template

    return from_template(
        get_template(operator.template),
        id_field=operator.id_field,
        update_mode=operator.update_mode,
        allow_replace=operator.allow_replace,
        nulls=operator.nulls,
        include_attributes=names(operator.include_attributes),
        exclude_attributes=names(operator.exclude_attributes),
        rename=operator.rename,
        headers=read_headers(operator.headers),
        mask_fields=names(operator.mask_fields),
    )


class InsightlyCreateContactOperator(InsightlyRecordsOperator):
    """Creates contacts: ``POST /v3.1/Contacts``. Required: FIRST_NAME."""

    def __init__(self, *, template: str = "create_contact", **kwargs: Any) -> None:
        super().__init__(template=template, **kwargs)


class InsightlyUpdateContactOperator(InsightlyRecordsOperator):
    """Updates contacts: ``PUT /v3.1/Contacts/{id}``. ``id_field`` holds the id, CONTACT_ID by default."""

    def __init__(self, *, template: str = "update_contact", **kwargs: Any) -> None:
        super().__init__(template=template, **kwargs)


class InsightlyDeleteContactOperator(InsightlyRecordsOperator):
    """Deletes contacts for good: ``DELETE /v3.1/Contacts/{id}``. ``id_field`` holds the id, CONTACT_ID by default."""

    def __init__(self, *, template: str = "delete_contact", **kwargs: Any) -> None:
        super().__init__(template=template, **kwargs)


class InsightlyCreateOpportunityOperator(InsightlyRecordsOperator):
    """Creates opportunities: ``POST /v3.1/Opportunities``. Required: OPPORTUNITY_NAME."""

    def __init__(self, *, template: str = "create_opportunity", **kwargs: Any) -> None:
        super().__init__(template=template, **kwargs)


class InsightlyUpdateOpportunityOperator(InsightlyRecordsOperator):
    """Updates opportunities: ``PUT /v3.1/Opportunities/{id}``. ``id_field`` holds the id, OPPORTUNITY_ID by default."""

    def __init__(self, *, template: str = "update_opportunity", **kwargs: Any) -> None:
        super().__init__(template=template, **kwargs)
