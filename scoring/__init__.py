"""A transcript and criteria in, marks and scores out: plain functions, no database, no web."""
