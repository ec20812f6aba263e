"""Make the phrase matcher ready before anybody waits for it.

    python -m scoring.ready

The inner loops (scoring.kernels) are compiled for this machine when they are first used, which takes about fifteen
seconds, and kept on disk. `make` does it once after the installation; a server and a worker do it when they start.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scoring.phrases import PhraseFinder
from transcription.transcript import AGENT, Transcript, Turn

NOTICE = "Preparing the phrase matcher for this machine (once, about 15 seconds) ..."


def get_ready(tell: Callable[[str], object]) -> None:
    """Load the matcher's compiled loops; when they must be compiled first, `tell` it beforehand."""
    from scoring import kernels

    folder = Path(kernels.seek.stats.cache_path or "")
    if not any(folder.glob("kernels.seek-*.nbi")):
        tell(NOTICE)
    for language, words in (("en", "thank you for calling"), ("zh", "感谢您的来电")):
        heard = Transcript(language, 2.0, 1, (Turn(AGENT, 0.0, 2.0, words),), "none")
        PhraseFinder({"any": [words]}, language=language).find(heard)


if __name__ == "__main__":
    get_ready(print)
