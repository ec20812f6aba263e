"""Words that somebody recognised before: a transcript that lies beside its recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from transcription.audio import Recording
from transcription.engine import Capabilities, EngineUnavailable
from transcription.formats import TRANSCRIPT_SUFFIXES, read_transcript
from transcription.transcript import Transcript, TranscriptError


@dataclass(frozen=True)
class ReadyTranscripts:
    """Takes the words from `transcript`, or else from NAME.json, NAME.vtt or NAME.srt beside NAME.wav."""

    transcript: Transcript | None = None

    name: ClassVar[str] = "ready"
    capabilities: ClassVar[Capabilities] = Capabilities(
        None, detects_language=False, word_times=True, word_confidence=True
    )

    def transcript_of(self, recording: Recording, *, language: str | None = None) -> Transcript:
        """Return the words of `recording`.

        Raises:
            EngineUnavailable: there is no transcript beside it, or it cannot be read.
        """
        if self.transcript is not None:
            return self.transcript
        if recording.path is None:
            raise EngineUnavailable("a recording that is no file has no transcript beside it; choose another engine")
        beside = transcript_beside(recording.path)
        if beside is None:
            names = ", ".join(recording.path.stem + suffix for suffix in sorted(TRANSCRIPT_SUFFIXES))
            raise EngineUnavailable(f"{recording.path.name}: none of {names} lies beside it; choose another engine")
        try:
            return read_transcript(beside, language=language)
        except TranscriptError as error:
            raise EngineUnavailable(str(error)) from error


def transcript_beside(recording: Path) -> Path | None:
    """Return the transcript of the same name in the same folder, None if there is none."""
    candidates = (recording.with_suffix(suffix) for suffix in sorted(TRANSCRIPT_SUFFIXES))
    return next((path for path in candidates if path.is_file()), None)
