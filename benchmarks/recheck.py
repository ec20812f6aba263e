"""How long it takes to check stored transcripts again by changed rules: python -m benchmarks.recheck [--calls 2000]

Makes calls of about 800 words, half of them English and half Mandarin with errors of recognition in them, stores their
JSON form in a database file, and has two processes read each, build the transcript and apply 40 rules: the shipped set
of the language, filled up with sentences that must be said. Prints the time of the sample, and what it means for
100,000 calls if they take as long each; the two halves of the sample are shown so that one sees whether they do.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.phrase_corpus import jobs, load_scripts
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.rules import check_rules
from scoring.shipped import shipped
from transcription.transcript import Transcript

RULES = 40
UNITS = {"en": 800, "zh": 1400}  # words or characters of a call
SETS = {"en": "phrases-en-bank", "zh": "phrases-zh-mobile"}
STORED = 100_000
PIECES = 60  # calls of a language that the long ones are put together from
BATCH = 25


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.sqlite"
        begin = time.perf_counter()
        size = _store(path, options.calls)
        made = time.perf_counter() - begin
        print(f"{options.calls} calls made in {made:.0f} s, {size / options.calls / 1024:.0f} KiB each")
        with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:  # their memory is their own
            list(pool.map(_warm, [0] * options.processes))
            half = options.calls // 2
            first = _timed(pool, path, range(half))
            second = _timed(pool, path, range(half, options.calls))
    _report(options, first, second)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _report(options: argparse.Namespace, first: dict[str, float], second: dict[str, float]) -> None:
    total = {key: first[key] + second[key] for key in ("wall", "cpu", "en", "zh", "said", "rules")}
    each = total["wall"] / options.calls
    print(f"\n| {RULES} rules, {options.processes} processes | |\n| --- | ---: |")
    print(f"| {options.calls} calls | {total['wall']:.1f} s |")
    print(f"| a call, by the clock | {1000 * each:.2f} ms |")
    print(f"| a call, processor time, English | {2000 * total['en'] / options.calls:.2f} ms |")
    print(f"| a call, processor time, Mandarin | {2000 * total['zh'] / options.calls:.2f} ms |")
    print(f"| first half and second half | {first['wall']:.1f} s and {second['wall']:.1f} s |")
    print(f"| {STORED:,} calls at this rate | {STORED * each / 60:.0f} min |")
    busy = total["cpu"] / options.calls / options.processes
    print(f"| the same by processor time alone | {STORED * busy / 60:.0f} min |")
    print(f"| most memory of a process after each half | {first['peak']:.0f} MB, {second['peak']:.0f} MB |")
    print(f"\n{total['said'] / options.calls:.1f} rules met in a call, {total['rules'] / options.calls:.0f} checked")


# The calls


def _store(path: Path, count: int) -> int:
    """Write `count` calls to a new database file; return the bytes of their JSON."""
    rng = random.Random(5)
    pieces = {language: _pieces(language) for language in UNITS}
    size = 0
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE transcripts (id INTEGER PRIMARY KEY, content TEXT NOT NULL)")
        for number in range(count):
            language = ("en", "zh")[number % 2]
            content = json.dumps(_call(language, pieces[language], rng), ensure_ascii=False)
            size += len(content.encode())
            database.execute("INSERT INTO transcripts VALUES (?, ?)", (number, content))
    database.close()
    return size


def _pieces(language: str) -> list[dict[str, Any]]:
    """Return misheard calls, some minutes long each, in their JSON form."""
    if language == "en":
        from benchmarks.phrase_mishear import heard_call
    else:
        from benchmarks.phrase_homophones import heard_call
    rng = random.Random(language)
    made = []
    for job, _ in zip(jobs(language, "train", seed=23), range(PIECES), strict=False):
        made.append(heard_call(job, rng.choice((0.1, 0.2, 0.3)), rng).to_dict())
    return made


def _call(language: str, pieces: Sequence[dict[str, Any]], rng: random.Random) -> dict[str, Any]:
    """Return a call of about UNITS words: pieces one after the other, until there is enough."""
    turns: list[dict[str, Any]] = []
    clock, units = 0.0, 0
    while units < UNITS[language]:
        piece = rng.choice(pieces)
        for turn in piece["turns"]:
            turns.append(_later(turn, clock))
            units += len(turn["text"].split()) if language == "en" else len(turn["text"])
            if units >= UNITS[language]:
                break
        clock += piece["duration"]
    return {"language": pieces[0]["language"], "duration": clock, "channels": 2, "turns": turns}


def _later(turn: dict[str, Any], seconds: float) -> dict[str, Any]:
    moved = turn | {"start": round(turn["start"] + seconds, 3), "end": round(turn["end"] + seconds, 3)}
    if "words" in turn:
        moved["words"] = [
            word | {"start": round(word["start"] + seconds, 3), "end": round(word["end"] + seconds, 3)}
            for word in turn["words"]
        ]
    return moved


@lru_cache(maxsize=2)
def rules(language: str) -> PhraseSet:
    """Return RULES rules: the shipped set, filled up with sentences of our scripts, three wordings to a rule."""
    text = shipped(SETS[language]).read_text(encoding="utf-8")
    missing = RULES - len(load_phrase_set(text).in_order)
    wordings = [w for script in load_scripts(language, "train") for p in script.phrases for w in p.wordings]
    more = "".join(
        f"    - {{id: MORE-{number}, role: agent, window: whole, parts: {{said: {_listed(wordings, number)}}}}}\n"
        for number in range(missing)
    )
    return load_phrase_set(text.replace("  required:\n", f"  required:\n{more}", 1))


def _listed(wordings: Sequence[str], number: int) -> str:
    return json.dumps(wordings[3 * number : 3 * number + 3], ensure_ascii=False)


# The work


def _timed(pool: ProcessPoolExecutor, path: Path, numbers: range) -> dict[str, float]:
    """Check the calls of `numbers` again; return seconds by the clock, of the processors, and what was found."""
    batches = [numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)]
    begin = time.perf_counter()
    done = list(pool.map(_checked, [path] * len(batches), batches))
    wall = time.perf_counter() - begin
    sums = {key: sum(one[key] for one in done) for key in ("cpu", "en", "zh", "said", "rules")}
    return {"wall": wall, "peak": max(one["peak"] for one in done), **sums}


def _checked(path: Path, numbers: range) -> dict[str, float]:
    found = {"cpu": 0.0, "en": 0.0, "zh": 0.0, "said": 0.0, "rules": 0.0}
    begin = time.process_time()
    for language, content in _read(path, numbers):
        started = time.process_time()
        outcomes = check_rules(Transcript.from_dict(json.loads(content)), rules(language))
        found["rules"] += len(outcomes)
        found["said"] += sum(outcome.verdict == "met" for outcome in outcomes.values())
        found[language] += time.process_time() - started
    found["cpu"] = time.process_time() - begin
    return found | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _read(path: Path, numbers: range) -> Iterator[tuple[str, str]]:
    database = sqlite3.connect(path)
    query = "SELECT id, content FROM transcripts WHERE id BETWEEN ? AND ? ORDER BY id"
    for number, content in database.execute(query, (numbers[0], numbers[-1])):
        yield ("en", "zh")[number % 2], content
    database.close()


def _warm(_: int) -> None:
    """Load the rules and the tables of both languages: this happens once in a process, not once in a call."""
    for language in UNITS:
        text = "hello" if language == "en" else "您好"
        check_rules(Transcript.from_dict(_hello(language, text)), rules(language))


def _hello(language: str, text: str) -> dict[str, Any]:
    turn = {"speaker": "agent", "start": 0.0, "end": 1.0, "text": text}
    return {"language": language, "duration": 1.0, "channels": 2, "turns": [turn]}


if __name__ == "__main__":
    main()
