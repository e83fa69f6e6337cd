"""The CRM connector: two worlds in, a plan out, requests made from the plan. It knows nothing of Airflow."""
