"""The Apache Airflow provider for Insightly CRM and Marketing."""

__version__ = "0.1.0"
