"""Sending records to Insightly: records become requests, requests become results, results become a report."""
