"""Was the phrase said? Exact match, RapidFuzz's partial ratio and our matcher on the same cases, in one run.

    python -m benchmarks.phrases [--cases FOLDER] [--split test] [--minutes 25] [--quick]

Reads FOLDER/test-en.jsonl and FOLDER/test-zh.jsonl; what is missing is made by benchmarks.phrase_corpus first, which
takes about 0.3 s of processor time for a second of English speech. The split "test" shares no script, voice or kind of
noise with what the matcher was trained on. All three methods are given the agent's words in the same normal form;
partial ratio takes the threshold that is best for these very cases, which nobody would know beforehand.

The first table of English leaves out calls with a word error rate over MOST_ERRORS; they have a row in the second.
Near-misses are phrases of which the call holds something much like them that was not the phrase. `--quick` takes a
few calls and short repeats.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz

from benchmarks.phrase_corpus import HALF, NEAR, OTHER, SAID_KINDS, SPREAD, Case, load_scripts, read_cases
from scoring.phrases import PhraseFinder
from scoring.text import normaliser
from transcription.transcript import AGENT, Transcript, Turn, Word

MOST_ERRORS = 0.5  # word error rate; beyond it little of a call is left
NEAR_KINDS = (NEAR, HALF, SPREAD, OTHER)
NEAR_SHARE = 0.05  # of the phrases of real calls, for the figures of a realistic mix
LANGUAGES = {"en": "English", "zh": "Mandarin"}
EXACT, RATIO, OURS = "exact", "partial ratio", "ours"
PHRASES, WORDS = 100, 800  # of the speed test


@dataclass(frozen=True)
class Judged:
    """One phrase of one call, and what each method makes of it."""

    case: Case
    kind: str
    said: bool
    exact: bool
    ratio: float  # 0 to 100
    verdict: str
    probability: float


@dataclass(frozen=True)
class Score:
    """How well a yes-or-no answer agrees with the truth."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @classmethod
    def of(cls, answers: Iterable[tuple[bool, bool]]) -> Score:
        """Count pairs of (answer, truth); without any answer the precision is 1, without any truth the recall."""
        pairs = list(answers)
        right = sum(answer and truth for answer, truth in pairs)
        answered, true = sum(answer for answer, _ in pairs), sum(truth for _, truth in pairs)
        return cls(right / answered if answered else 1.0, right / true if true else 1.0)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        cases = options.cases or Path(folder)
        for language, name in LANGUAGES.items():
            path = cases / f"{options.split}-{language}.jsonl"
            if not path.exists():
                _make(path, language, options)
            found = list(read_cases(path))
            _report(name, judged(found[:: max(1, len(found) // 12)] if options.quick else found))
    for language, name in LANGUAGES.items():
        _report_speed(language, name, 15 if options.quick else 150)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, help="folder of the cases; else they are made and thrown away")
    parser.add_argument("--split", default="test", choices=("train", "check", "test", "fresh"))
    parser.add_argument("--minutes", type=float, default=25, help="of English speech, where cases are made")
    parser.add_argument("--quick", action="store_true", help="a few calls, short repeats")
    return parser.parse_args()


def _make(path: Path, language: str, options: argparse.Namespace) -> None:
    minutes, calls = (3.0, 20) if options.quick else (options.minutes, 150)
    command = [sys.executable, "-m", "benchmarks.phrase_corpus", "--out", str(path.parent), "--split", options.split]
    command += ["--language", language, "--minutes", str(minutes), "--chinese", str(calls)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def judged(cases: Iterable[Case]) -> list[Judged]:
    """Return each phrase of each case with the answers of the three methods."""
    return [answer for case in cases for answer in _judged(case)]


def _judged(case: Case) -> Iterable[Judged]:
    transcript = Transcript.from_dict(case.transcript)
    heard = _normal(" ".join(turn.text for _, turn in transcript.said_by(AGENT)), case.language)
    matches = PhraseFinder(case.phrases, language=case.language).find(transcript, speaker=AGENT)
    for name, wordings in case.phrases.items():
        normal = [_normal(wording, case.language) for wording in wordings]
        yield Judged(
            case,
            case.kind[name],
            case.truth[name],
            any(f" {wording} " in f" {heard} " for wording in normal),
            max(fuzz.partial_ratio(wording, heard) for wording in normal),
            matches[name].verdict,
            matches[name].probability,
        )


def _normal(text: str, language: str) -> str:
    return " ".join(normaliser(language).words(text))


def best_threshold(answers: Sequence[Judged]) -> float:
    """Return the partial ratio from which on "said" has the best F1 on these very answers."""
    thresholds = np.unique([answer.ratio for answer in answers])
    return float(max(thresholds, key=lambda t: Score.of((a.ratio >= t, a.said) for a in answers).f1))


def calibration_error(answers: Sequence[Judged], bins: int = 10) -> float:
    """Return the expected calibration error: |share said - mean probability|, weighted by the size of each bin."""
    total = sum(abs(said - mean) * count for _, count, mean, said in reliability(answers, bins))
    return total / len(answers)


def reliability(answers: Sequence[Judged], bins: int = 10) -> list[tuple[float, int, float, float]]:
    """Return for each bin of probability that is not empty: lower limit, count, mean probability, share truly said."""
    rows = []
    for lower in range(bins):
        inside = [a for a in answers if min(int(a.probability * bins), bins - 1) == lower]
        if inside:
            mean, said = statistics.fmean(a.probability for a in inside), statistics.fmean(a.said for a in inside)
            rows.append((lower / bins, len(inside), mean, said))
    return rows


# What is printed


def _report(name: str, answers: Sequence[Judged]) -> None:
    main = [a for a in answers if a.case.language == "zh" or a.case.wer <= MOST_ERRORS]
    threshold = best_threshold(main)
    calls = {a.case.id for a in main}
    print(f"\n## {name}: {len(calls)} calls, {len(main)} phrases, best threshold in hindsight {threshold:.1f}\n")
    _methods(main, threshold)
    print()
    _levels(answers, threshold)
    print()
    _kinds(main, threshold)
    print()
    _calibration(main)


def _methods(answers: Sequence[Judged], threshold: float) -> None:
    print("| method | F1 | precision | recall | near-misses taken for said | F1 without near-misses |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    decided = [a for a in answers if a.verdict != "unsure"]
    rows: list[tuple[str, Sequence[Judged], Callable[[Judged], bool]]] = [
        (EXACT, answers, lambda a: a.exact),
        (RATIO, answers, lambda a: a.ratio >= threshold),
        (f"{OURS}, unsure as not said", answers, _is_said),
        (f"{OURS}, unsure set aside", decided, _is_said),
    ]
    for label, among, answer in rows:
        score = Score.of((answer(a), a.said) for a in among)
        near = [answer(a) for a in among if a.kind in NEAR_KINDS]
        wrong = f"{_share(sum(near), len(near))} of {len(near)}"
        easy = Score.of((answer(a), a.said) for a in among if a.kind not in NEAR_KINDS).f1
        print(f"| {label} | {score.f1:.3f} | {score.precision:.3f} | {score.recall:.3f} | {wrong} | {easy:.3f} |")
    _realistic(answers, threshold)
    unsure = len(answers) - len(decided)
    print(f"\nunsure: {_share(unsure, len(answers))} of all phrases")


def _realistic(answers: Sequence[Judged], threshold: float) -> None:
    """Print the F1 were NEAR_SHARE of the phrases near-misses: each weighs so much that they make up this share."""
    near = sum(a.kind in NEAR_KINDS for a in answers)
    if not 0 < near < len(answers):
        return
    weight = NEAR_SHARE / (1 - NEAR_SHARE) * (len(answers) - near) / near

    def score(among: Iterable[Judged], answer: Callable[[Judged], bool]) -> float:
        said = [(1.0 if a.kind not in NEAR_KINDS else weight, answer(a), a.said) for a in among]
        right = sum(w for w, yes, true in said if yes and true)
        total = sum(w for w, yes, _ in said if yes) + sum(w for w, _, true in said if true)
        return 2 * right / total if total else 0.0

    print(
        f"\nwith {NEAR_SHARE:.0%} near-misses: exact {score(answers, lambda a: a.exact):.3f},"
        f" partial ratio {score(answers, lambda a: a.ratio >= threshold):.3f},"
        f" ours {score(answers, _is_said):.3f},"
        f" unsure set aside {score([a for a in answers if a.verdict != 'unsure'], _is_said):.3f}"
    )


def _is_said(answer: Judged) -> bool:
    return answer.verdict == "said"


def _levels(answers: Sequence[Judged], threshold: float) -> None:
    print("| errors, condition | calls | said | not | exact | partial ratio | ours | ours, unsure aside | unsure |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    bands = ((0.0, 0.17), (0.17, 0.3), (0.3, MOST_ERRORS), (MOST_ERRORS, 9.0))
    for low, high in bands:
        label = f"{low:.0%} to {high:.0%}" if high < 9 else f"over {low:.0%}"
        _level(label, [a for a in answers if low <= a.case.wer - 1e-9 * (low > 0) < high + 1e-9], threshold)
    for condition in sorted({a.case.condition for a in answers}):
        _level(condition, [a for a in answers if a.case.condition == condition], threshold)


def _level(label: str, answers: Sequence[Judged], threshold: float) -> None:
    if not answers:
        return
    said = sum(a.said for a in answers)
    decided = [a for a in answers if a.verdict != "unsure"]
    scores = (
        Score.of((a.exact, a.said) for a in answers),
        Score.of((a.ratio >= threshold, a.said) for a in answers),
        Score.of((_is_said(a), a.said) for a in answers),
        Score.of((_is_said(a), a.said) for a in decided),
    )
    row = " | ".join(f"{score.f1:.3f}" for score in scores)
    calls = len({a.case.id for a in answers})
    unsure = _share(len(answers) - len(decided), len(answers))
    print(f"| {label} | {calls} | {said} | {len(answers) - said} | {row} | {unsure} |")


def _kinds(answers: Sequence[Judged], threshold: float) -> None:
    print("| what the call holds | phrases | exact | partial ratio | ours said | ours unsure |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind in sorted({a.kind for a in answers}, key=lambda kind: (kind not in SAID_KINDS, kind)):
        among = [a for a in answers if a.kind == kind]
        counts = (
            sum(a.exact for a in among),
            sum(a.ratio >= threshold for a in among),
            sum(map(_is_said, among)),
            sum(a.verdict == "unsure" for a in among),
        )
        print(f"| {kind} | {len(among)} | " + " | ".join(_share(count, len(among)) for count in counts) + " |")


def _calibration(answers: Sequence[Judged]) -> None:
    brier = statistics.fmean((a.probability - a.said) ** 2 for a in answers)
    print(f"expected calibration error {calibration_error(answers):.3f}, Brier score {brier:.3f}\n")
    print("| probability from | phrases | mean probability | truly said |")
    print("| ---: | ---: | ---: | ---: |")
    for lower, count, mean, said in reliability(answers):
        print(f"| {lower:.1f} | {count} | {mean:.3f} | {said:.3f} |")


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "–"


# Speed


def _report_speed(language: str, name: str, repeats: int) -> None:
    scripts = [script for split in ("train", "test") for script in load_scripts(language, split)]
    said = [wording for script in scripts for phrase in script.phrases for wording in phrase.wordings]
    wordings = list(itertools.islice(itertools.cycle(said), PHRASES))
    calls = [_long_call(language, number) for number in range(20)]
    texts = [_normal(" ".join(turn.text for turn in call.turns), language) for call in calls]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # a process that has read no dictionary yet
        cold_make, cold_find = pool.submit(_cold, wordings, calls[0], language).result()
    begin = time.perf_counter()
    finder = _finder(wordings, language)
    made = time.perf_counter() - begin
    unit = "words" if language == "en" else "characters"
    print(f"\n## Speed, {name}: {PHRASES} phrases on {WORDS} {unit}, median of {repeats} different calls in turn\n")
    print("| | phrases of the calls' scripts | phrases that nobody says |\n| --- | ---: | ---: |")
    columns = [
        _speeds(phrases, calls, texts, language, repeats) for phrases in (wordings, _shuffled(wordings, language))
    ]
    theirs, ours = zip(*columns, strict=True)
    print(f"| RapidFuzz partial ratio, text in normal form already | {theirs[0]:.2f} ms | {theirs[1]:.2f} ms |")
    print(f"| ours, preparation of the transcript included | {ours[0]:.2f} ms | {ours[1]:.2f} ms |")
    print(f"| ratio | {theirs[0] / ours[0]:.1f} × | {theirs[1] / ours[1]:.1f} × |")
    print(
        f"\nThe finder is made in {1000 * made:.0f} ms, the first of a process in {1000 * cold_make:.0f} ms; ", end=""
    )
    print(f"the first call of a process takes {1000 * cold_find:.0f} ms.")
    _report_memory(finder, calls, repeats)


def _finder(wordings: Sequence[str], language: str) -> PhraseFinder:
    return PhraseFinder({str(number): [wording] for number, wording in enumerate(wordings)}, language=language)


def _shuffled(wordings: Sequence[str], language: str) -> list[str]:
    """Return as many phrases of the same lengths, made of the same words (characters) in any order."""
    joint = " " if language == "en" else ""
    parts = [wording.split() if joint else list(wording) for wording in wordings]
    pool = [part for words in parts for part in words]
    random.Random(1).shuffle(pool)
    rest = iter(pool)
    return [joint.join(itertools.islice(rest, len(words))) for words in parts]


def _speeds(
    wordings: Sequence[str], calls: Sequence[Transcript], texts: Sequence[str], language: str, repeats: int
) -> tuple[float, float]:
    """Return the median milliseconds of a call by partial ratio and by ours."""
    finder = _finder(wordings, language)
    normal = [_normal(wording, language) for wording in wordings]
    finder.find(calls[1])
    ours, theirs = [], []
    for begin in range(0, repeats, len(calls)):  # all calls by one, then by the other: each as a batch of calls runs,
        numbers = range(begin, min(begin + len(calls), repeats))  # and other work on the machine slows both
        for number in numbers:
            call = calls[number % len(calls)]
            ours.append(_timed(lambda call=call: finder.find(call)))  # type: ignore[misc]
        for number in numbers:
            text = texts[number % len(texts)]
            theirs.append(_timed(lambda text=text: [fuzz.partial_ratio(wording, text) for wording in normal]))  # type: ignore[misc]
    return 1000 * statistics.median(theirs), 1000 * statistics.median(ours)


def _cold(wordings: Sequence[str], call: Transcript, language: str) -> tuple[float, float]:
    """Return the seconds that the first finder and its first call take; the modules are loaded already."""
    begin = time.perf_counter()
    finder = _finder(wordings, language)
    made = time.perf_counter()
    finder.find(call)
    return made - begin, time.perf_counter() - made


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _report_memory(finder: PhraseFinder, calls: Sequence[Transcript], repeats: int) -> None:
    for call in calls:
        finder.find(call)
    gc.collect()
    tracemalloc.start()
    before, rss = tracemalloc.get_traced_memory()[0], _resident()
    for number in range(repeats * 4):
        finder.find(calls[number % len(calls)])
    gc.collect()
    grown, peak = tracemalloc.get_traced_memory()[0] - before, tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    print(
        f"\nmemory over {repeats * 4} more calls: grown by {grown / 1024:.0f} KiB, at most {peak / 1024:.0f} KiB"
        f" while a call is compared, process {(_resident() - rss) / 1024:+.0f} KiB"
    )


def _resident() -> float:
    """Return the resident memory of this process in KiB; on systems without /proc the most there has been."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _long_call(language: str, seed: int) -> Transcript:
    """Return a call of WORDS words (characters in Chinese) by the agent: ordinary talk of all scripts, some phrases."""
    rng = np.random.default_rng(seed)
    scripts = [script for split in ("train", "test") for script in load_scripts(language, split)]
    sentences = [line for script in scripts for line in script.talk[AGENT]]
    sentences += [w for script in scripts for phrase in script.phrases for w in phrase.near]
    sentences += [phrase.wordings[0] for phrase in scripts[seed % len(scripts)].phrases[:12]]
    turns, clock, count = [], 0.5, 0
    for index in rng.permutation(len(sentences)):
        pieces = sentences[index].lower().split() if language == "en" else list(sentences[index])
        pieces = pieces[: WORDS - count]
        words = tuple(Word(p, clock + 0.3 * i, clock + 0.3 * (i + 1), 0.9) for i, p in enumerate(pieces))
        turns.append(Turn(AGENT, clock, words[-1].end, ("" if language == "zh" else " ").join(pieces), words))
        clock, count = words[-1].end + 0.5, count + len(pieces)
        if count >= WORDS:
            break
    return Transcript("zh-CN" if language == "zh" else "en", clock, 2, tuple(turns))


if __name__ == "__main__":
    main()
