"""What Airflow asks of a provider: its connection type, modules, links, commands and configuration."""

from __future__ import annotations

from typing import Any

from airflow_provider_insightly import __version__

PACKAGE = "airflow_provider_insightly"
INTEGRATION = "Insightly"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, by the entry point ``apache_airflow_provider``.

    Source: Airflow's ``provider.yaml.schema.json``. Airflow 3.1 ignores ``conn-fields`` and ``cli``, which came
    with 3.2: there the connection form shows its generic fields, and the commands are reached by
    ``python -m airflow_provider_insightly``.
    """
    return {
        "package-name": "airflow-provider-insightly",
        "name": INTEGRATION,
        "description": "Insightly CRM and Marketing: records sent, updated, deleted and kept in step.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://api.na1.insightly.com/v3.1/Help",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": INTEGRATION, "python-modules": [f"{PACKAGE}.hooks.insightly"]}],
        "operators": [
            {"integration-name": INTEGRATION, "python-modules": [f"{PACKAGE}.operators.{m}" for m in OPERATOR_MODULES]}
        ],
        "transfers": [
            {
                "source-integration-name": "SQL",
                "target-integration-name": INTEGRATION,
                "python-module": f"{PACKAGE}.transfers.sql_to_insightly",
            }
        ],
        "extra-links": EXTRA_LINKS,
        "connection-types": [
            {
                "connection-type": "insightly",
                "hook-class-name": f"{PACKAGE}.hooks.insightly.InsightlyHook",
                "hook-name": INTEGRATION,
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "schema", "login", "port"],
                    "relabeling": {"password": "API key"},
                    "placeholders": {"password": "User Settings > API in Insightly", "extra": '{"pod": "na1"}'},
                },
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
        "config": {
            "insightly": {
                "description": "The provider for Insightly.",
                "options": {
                    "store_conn_id": {
                        "description": (
                            "The Airflow connection (PostgreSQL, or SQLite on one machine) of the database in which "
                            "the provider keeps its journal of sends and the connector's links and log. Empty: the "
                            "file insightly.db in AIRFLOW_HOME."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "insightly_store",
                        "default": "",
                    },
                    "journal_days": {
                        "description": (
                            "For so many days the journal of a send is kept, by which a task that is cleared creates "
                            "nothing twice. A send that is older fails when it is cleared. 0 keeps it for ever."
                        ),
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "365",
                        "default": "90",
                    },
                },
            }
        },
        "cli": [f"{PACKAGE}.cli.get_commands"],
    }


OPERATOR_MODULES = ("approval", "connector", "records", "send")
EXTRA_LINKS = [
    f"{PACKAGE}.links.connector.InsightlyConnectorLogLink",
    f"{PACKAGE}.links.record.InsightlyRecordLink",
]

CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "pod": {
        "label": "Pod",
        "description": "The part after 'api.' in your API URL (User Settings > API): na1, eu1, au1 …",
        "schema": {"type": ["string", "null"], "pattern": "^[a-z]{2,3}[0-9]{1,2}$"},
    },
    "base_url": {
        "label": "Base URL",
        "description": "Wins over the pod: the whole address up to and with /v3.1, for a local Insightly or a gateway.",
        "schema": {"type": ["string", "null"]},
    },
    "requests_per_second": {
        "label": "Requests per second",
        "description": "Insightly documents 10; take 5 if you see answers 429. Empty: 10.",
        "schema": {"type": ["number", "null"], "minimum": 0.1, "maximum": 1000},
    },
    "concurrency": {
        "label": "Concurrent requests",
        "description": "The most requests under way at once. Empty: 5.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
    },
    "connect_timeout": {
        "label": "Connect timeout (s)",
        "description": "Seconds until a connection must stand. Empty: 10.",
        "schema": {"type": ["number", "null"], "minimum": 0.1},
    },
    "read_timeout": {
        "label": "Read timeout (s)",
        "description": "Seconds without a byte after which an answer counts as lost. Empty: 60.",
        "schema": {"type": ["number", "null"], "minimum": 0.1},
    },
    "verify": {
        "label": "Verify TLS",
        "description": "true, false, or the path of a CA bundle. Empty: true.",
        "schema": {"type": ["string", "null"]},
    },
    "proxies": {
        "label": "Proxies",
        "description": 'Proxies by scheme, as JSON: {"https": "http://proxy:3128"}.',
        "schema": {"type": ["string", "null"]},
    },
}
