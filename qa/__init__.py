"""The work itself: ingest, transcribe, score, review, test calls, agent scores; and its background tasks."""
