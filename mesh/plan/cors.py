"""What a browser may send to a tap from its origins: answered by AWS from the function URL, on the laptop by its server."""

METHODS = ("POST",)
HEADERS = ("authorization", "content-encoding", "content-type", "idempotency-key", "x-bd-authorization")
MAX_AGE_S = 600
