"""The distribution: what is installed, what it needs, and where Airflow finds it."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+?)"', (HERE / "airflow_provider_insightly/__init__.py").read_text())[1]

EXTRAS = {
    "parquet": ["pyarrow>=16"],
    "postgres": ["psycopg2-binary>=2.9.9"],
    "sandbox": ["uvicorn[standard]>=0.30"],
    "sql": ["apache-airflow-providers-common-sql>=1.28"],
}
EXTRAS["test"] = [
    *EXTRAS["parquet"],
    *EXTRAS["postgres"],
    *EXTRAS["sandbox"],
    *EXTRAS["sql"],
    "apache-airflow-providers-http>=5",
    "apache-airflow-providers-openlineage>=2",
    "apache-airflow-providers-sqlite>=4",
    "hypothesis>=6.100",
    "jsonschema>=4.20",
    "pytest>=8",
    "pytest-mock>=3.14",
    "pytest-xdist>=3.6",
]
EXTRAS["dev"] = [*EXTRAS["test"], "uv>=0.9"]
EXTRAS["dev"] += ["axe-playwright-python>=0.1.4", "playwright>=1.50"]  # the pages, in a browser
EXTRAS["dev"] += ["import-linter>=2.1", "mypy>=1.13", "ruff>=0.8", "types-PyYAML", "types-requests"]

setup(
    name="airflow-provider-insightly",
    version=VERSION,
    description="The Apache Airflow provider for Insightly CRM and Marketing",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["airflow_provider_insightly", "airflow_provider_insightly.*"]),
    include_package_data=True,
    package_data={"": ["*.json", "*.ini", "*.mako", "*.html", "*.css", "*.js", "*.svg", "py.typed"]},
    python_requires=">=3.10,<3.14",
    install_requires=[
        "alembic>=1.13",
        "apache-airflow>=3.1",
        "apache-airflow-providers-common-compat>=1.14",
        "apache-airflow-providers-standard>=1.9",
        "pendulum>=3.0",
        "pydantic>=2.11",
        "PyYAML>=6.0",
        "requests>=2.32",
        "rich>=13.6",
        "SQLAlchemy>=1.4.50",
        "tenacity>=9.0",
    ],
    extras_require=EXTRAS,
    entry_points={
        "airflow.plugins": ["insightly=airflow_provider_insightly.ui.plugin:InsightlyPlugin"],
        "apache_airflow_provider": ["provider_info=airflow_provider_insightly.get_provider_info:get_provider_info"],
    },
    classifiers=[
        "Environment :: Console",
        "Framework :: Apache Airflow",
        "Framework :: Apache Airflow :: Provider",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Office/Business",
    ],
)
