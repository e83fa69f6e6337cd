"""The store: one SQL database for the journal of sends and for the connector."""
