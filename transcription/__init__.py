"""A recording in, a transcript and measurements of the audio out."""
