"""What runs in Lambda and, unchanged, on the laptop: HTTP event -> accept -> spool -> receipt; spool -> land -> Parquet and manifest."""

FORMAT = 1  # of settings, spool header, segments, marker, manifest and receipt; a newer one is refused in words
