"""The REST kit: what an API has, page by page, then what is new since, each record once a version."""
