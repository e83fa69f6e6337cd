"""The Airflow plugin: ``Insightly`` in the navigation, and the application behind it."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_insightly.ui import PREFIX


class InsightlyPlugin(AirflowPlugin):
    """Adds the pages to the Airflow UI.

    Source: Airflow's plugin interface, ``external_views`` and ``fastapi_apps``.
    """

    name = "insightly"
    external_views = [  # noqa: RUF012  the plugin interface is made of plain class attributes
        {
            "name": "Insightly",
            "href": f"{PREFIX.lstrip('/')}/",  # relative, so that a deployment below a path works
            "destination": "nav",
            "url_route": "insightly",
            "icon": f"{PREFIX.lstrip('/')}/static/insightly.svg",
            "icon_dark_mode": f"{PREFIX.lstrip('/')}/static/insightly-dark.svg",
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The application; a property, so that workers never load FastAPI."""
        from airflow_provider_insightly.ui.app import app

        return [{"app": app, "url_prefix": PREFIX, "name": "Insightly"}]
