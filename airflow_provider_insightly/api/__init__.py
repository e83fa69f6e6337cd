"""The Insightly REST API v3.1 as it is on the wire: catalogue, client, throttle, retry, errors."""
