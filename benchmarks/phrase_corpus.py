"""Make the cases that the phrase matcher is trained and measured on.

    python -m benchmarks.phrase_corpus --out FOLDER --split train --minutes 60 [--language en] [--simulated 200]

Writes FOLDER/SPLIT-en.jsonl, FOLDER/SPLIT-zh.jsonl and FOLDER/SPLIT-en-simulated.jsonl, one case a line (`Case`). The
sentences are our own, in benchmarks/phrase_scripts/. English is spoken by flite and espeak-ng, sent over a bad
telephone line and really recognised by PocketSphinx, as the product does it (about 0.3 s of processor time for a
second of speech); what was recognised is kept in FOLDER/heard, so that a broken run goes on where it stopped. The
simulated English set has no sound: words are exchanged for others that sound alike. Mandarin has no recogniser here:
its errors are homophones and the usual confusions (this needs the package jieba).

The splits "check" and "test" have other domains, other phrases, other voices and other kinds of noise than "train".
"check" is looked at while the matcher is made, "test" is kept for the last measurement; "fresh" came after the model
was trained.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from transcription.transcript import AGENT, CUSTOMER, Transcript

SCRIPTS = Path(__file__).parent / "phrase_scripts"
PHRASES_A_CALL = 15
FOREIGN_A_CALL = 10  # phrases of other scripts, asked for and not said

SAID, SPLIT, MIXED = "said", "said_in_two_turns", "said_with_filler"
ABSENT, NEAR, HALF, SPREAD, OTHER = "absent", "near_miss", "half", "spread", "other_speaker"
KINDS = (SAID, SPLIT, MIXED, ABSENT, NEAR, HALF, SPREAD, OTHER)
SAID_KINDS = frozenset((SAID, SPLIT, MIXED))


@dataclass(frozen=True)
class ScriptPhrase:
    """One phrase of a script: its wordings, sentences that it stands in (at "..."), and its near-misses."""

    id: str
    wordings: tuple[str, ...]
    inside: tuple[str, ...]
    near: tuple[str, ...]


@dataclass(frozen=True)
class Script:
    """What the two sides of the calls of one hotline say."""

    language: str
    domain: str
    split: str
    phrases: tuple[ScriptPhrase, ...]
    talk: Mapping[str, tuple[str, ...]]  # speaker: sentences without any phrase


@dataclass(frozen=True)
class Case:
    """One call, with what was recognised and which phrases the agent truly said."""

    id: str
    language: str  # "en" or "zh"
    split: str
    domain: str
    voice: str  # of the agent; "none" where there was no sound
    condition: str
    phrases: dict[str, list[str]]
    truth: dict[str, bool]
    kind: dict[str, str]  # one of KINDS
    spoken: list[dict[str, str]]  # what was really said, turn by turn: speaker, text
    transcript: dict[str, Any]  # as Transcript.to_dict
    wer: float  # of the agent's side; characters in Chinese


@dataclass
class Plan:
    """A call before it is spoken."""

    script: Script
    turns: list[tuple[str, list[str]]] = field(default_factory=list)
    phrases: dict[str, list[str]] = field(default_factory=dict)
    kind: dict[str, str] = field(default_factory=dict)

    def spoken_by(self, speaker: str) -> str:
        """Return all that a speaker says."""
        return " ".join(text for who, texts in self.turns if who == speaker for text in texts)


def read_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of a file that this program wrote."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Case(**json.loads(line))


def load_scripts(language: str, split: str) -> list[Script]:
    """Return the scripts of a language and split."""
    scripts = [_script(path) for path in sorted(SCRIPTS.glob(f"{language}-*.yaml"))]
    return [script for script in scripts if script.split == split]


@cache
def _script(path: Path) -> Script:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    domain = path.stem.partition("-")[2]
    phrases = tuple(
        ScriptPhrase(
            f"{domain}-{number}",
            (entry["say"],) if isinstance(entry["say"], str) else tuple(entry["say"]),
            tuple(entry["in"]),
            tuple(entry.get("near", ())),
        )
        for number, entry in enumerate(data["phrases"], start=1)
    )
    talk = {speaker: tuple(data["talk"][speaker]) for speaker in (AGENT, CUSTOMER)}
    return Script(data["language"], domain, data["split"], phrases, talk)


# A call is planned


def plan_call(script: Script, others: Sequence[Script], rng: random.Random) -> Plan:
    """Return a call of `script` that says some of its phrases, misses others narrowly, and leaves the rest out."""
    plan = Plan(script)
    if rng.random() < 0.08:  # long ordinary talk, none of the phrases
        chosen = rng.sample(script.phrases, min(PHRASES_A_CALL, len(script.phrases)))
        blocks: list[list[str]] = [[] for _ in range(14)]
        plan.kind = dict.fromkeys((phrase.id for phrase in chosen), ABSENT)
    else:
        chosen = rng.sample(script.phrases, min(PHRASES_A_CALL, len(script.phrases)))
        blocks = _blocks(plan, chosen, rng)
    foreign = [phrase for other in others if other.domain != script.domain for phrase in other.phrases]
    for phrase in rng.sample(foreign, min(FOREIGN_A_CALL, len(foreign))):
        plan.kind[phrase.id] = ABSENT
        chosen.append(phrase)
    plan.phrases = {phrase.id: list(phrase.wordings) for phrase in chosen}
    plan.turns.extend(_turns(plan, blocks, rng))
    _settle(plan)
    return plan


def _blocks(plan: Plan, chosen: Sequence[ScriptPhrase], rng: random.Random) -> list[list[str]]:
    """Return what the agent says, a sentence or two that stay together at a time."""
    blocks: list[list[str]] = []
    late: list[list[str]] = []
    for phrase in chosen:
        kind = _kind(phrase, plan.script.language, rng)
        plan.kind[phrase.id] = kind
        wording = rng.choice(phrase.wordings)
        first, second = _halves(wording, plan.script.language)
        if kind == SAID:
            blocks.append([_set_in(phrase, wording, rng)])
        elif kind == MIXED:
            blocks.append([_set_in(phrase, f"{first}{_FILLER[plan.script.language]}{second}", rng)])
        elif kind == SPLIT:
            blocks.append([first, BACK_CHANNEL, second])
        elif kind == NEAR:
            blocks.append([_set_in(phrase, rng.choice(phrase.near), rng)])
        elif kind == HALF:
            blocks.append([_set_in(phrase, rng.choice((first, second)), rng)])
        elif kind == SPREAD:
            blocks.append([_set_in(phrase, first, rng)])
            late.append([f"{second}, {rng.choice(plan.script.talk[AGENT])}"])
        elif kind == OTHER:
            blocks.append([TO_CUSTOMER + wording])
    rng.shuffle(blocks)
    return blocks + late


BACK_CHANNEL, TO_CUSTOMER = "\0back", "\0customer"
_FILLER = {"en": ", um, ", "zh": "，呃，"}
_YES = {"en": ("Mm hm.", "Yes.", "Okay."), "zh": ("嗯。", "对。", "好。")}


def _kind(phrase: ScriptPhrase, language: str, rng: random.Random) -> str:
    long = len(_units(phrase.wordings[0], language)) >= (6 if language == "en" else 8)
    shares = {
        SAID: 42, MIXED: 4 * long, SPLIT: 4 * long, NEAR: 26 * bool(phrase.near), ABSENT: 12,
        HALF: 5 * long, SPREAD: 4 * long, OTHER: 3,
    }  # fmt: skip
    return rng.choices([*shares], weights=[*shares.values()])[0]


def _halves(wording: str, language: str) -> tuple[str, str]:
    if language == "en":
        words = wording.split()
        return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
    return wording[: len(wording) // 2], wording[len(wording) // 2 :]


def _set_in(phrase: ScriptPhrase, words: str, rng: random.Random) -> str:
    return rng.choice(phrase.inside).replace("...", words, 1)


def _turns(plan: Plan, blocks: Iterable[Sequence[str]], rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    script = plan.script
    talk = {speaker: cycle(rng.sample(lines, len(lines))) for speaker, lines in script.talk.items()}
    for block in blocks:
        if block and block[0].startswith(TO_CUSTOMER):
            yield AGENT, [next(talk[AGENT])]
            yield CUSTOMER, [block[0].removeprefix(TO_CUSTOMER)]
            continue
        if BACK_CHANNEL in block:
            yield AGENT, [next(talk[AGENT]), block[0]]
            yield CUSTOMER, [rng.choice(_YES[script.language])]
            yield AGENT, [block[2]]
        else:
            before = [next(talk[AGENT])] if not block or rng.random() < 0.15 else []
            after = [next(talk[AGENT])] if rng.random() < 0.1 else []
            yield AGENT, [*before, *block, *after]
        if rng.random() < 0.35:
            yield CUSTOMER, [next(talk[CUSTOMER])]


def _settle(plan: Plan) -> None:
    """Correct the plan where a phrase was said by chance; leave it out where only its order or form is another."""
    language = plan.script.language
    said = _plain(plan.spoken_by(AGENT), language)
    sentences = [set(_units(text, language)) for who, texts in plan.turns if who == AGENT for text in texts]
    for name, wordings in list(plan.phrases.items()):
        kind = plan.kind[name]
        if kind not in SAID_KINDS and any(_stands_in(_plain(wording, language), said) for wording in wordings):
            plan.kind[name] = SAID
        elif kind == ABSENT and any(_content(w, language) <= words for w in wordings for words in sentences):
            del plan.kind[name], plan.phrases[name]


def _stands_in(wording: str, said: str) -> bool:
    """Tell whether `said` holds `wording` without a negation just before it, which turns it round."""
    pieces = f" {said} ".split(f" {wording} ")
    return any(not before.split()[-1:] or before.split()[-1] not in _NEGATIONS for before in pieces[:-1])


_NEGATIONS = frozenset(("不", "没", "未", "not", "never"))
_SMALL_WORDS = (
    "a an the and or of to in on at for with is are am be been was were will would can could may do does did have has"
    " had i you he she it we they me us them my your his her its our their this that there please so as by from"
)
_SMALL = frozenset(_SMALL_WORDS.split())


def _content(wording: str, language: str) -> set[str]:
    units = _units(wording, language)
    return {unit for unit in units if unit not in _SMALL} or set(units)


def _units(text: str, language: str) -> list[str]:
    return re.findall(r"[a-z0-9']+" if language == "en" else r"[a-z0-9]+|[\u4e00-\u9fff]", text.lower())


def _plain(text: str, language: str) -> str:
    return " ".join(_units(text, language))


# A call is spoken and heard


@dataclass(frozen=True)
class Job:
    """All that a case is made from."""

    id: str
    plan: Plan
    split: str
    voices: tuple[str, str]
    condition: str
    seed: int


def jobs(language: str, split: str, seed: int = 7, *, varied: bool = False) -> Iterator[Job]:
    """Yield calls without end, one script, voice and condition after the other.

    The scripts are the written ones, or those of benchmarks.phrase_variety.
    """
    from benchmarks.phrase_speech import CONDITIONS, VOICES, condition_for

    scripts: Sequence[Script] = load_scripts(language, split)
    if varied:
        from benchmarks import phrase_variety

        scripts = phrase_variety.scripts(language)
    rng = random.Random(f"{seed} {language} {split}")
    voices, conditions = cycle(VOICES[split]), cycle(CONDITIONS[split])
    for number, script in enumerate(cycle(scripts)):
        voice = next(voices)
        condition = condition_for(voice, next(conditions))
        other = rng.choice([name for name in VOICES[split] if name != voice])
        plan = plan_call(script, scripts, rng)
        yield Job(
            f"{language}-{split}-{seed}-{number:04}", plan, split, (voice, other), condition, rng.randrange(2**31)
        )


def speak(job: Job, folder: Path) -> tuple[Case, float]:
    """Return the case of a job and its length in seconds; what was heard before is read from `folder`."""
    from benchmarks.phrase_speech import hear_call, recording_of

    key = hashlib.sha256(json.dumps([job.plan.turns, job.voices, job.condition, job.seed]).encode()).hexdigest()[:20]
    path = folder / f"{key}.json"
    if path.exists():
        transcript = Transcript.from_dict(json.loads(path.read_text()))
    else:
        transcript = hear_call(recording_of(job.plan.turns, job.voices, job.condition, job.seed))
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(transcript.to_dict()))
        partial.rename(path)
    return case_of(job, transcript, job.voices[0], job.condition), transcript.duration


def case_of(job: Job, transcript: Transcript, voice: str, condition: str) -> Case:
    """Return the case of a call and of what was recognised of it."""
    import jiwer

    plan = job.plan
    language = plan.script.language
    heard = _simplified(" ".join(turn.text for _, turn in transcript.said_by(AGENT)), language)
    return Case(
        id=job.id,
        language=language,
        split=job.split,
        domain=plan.script.domain,
        voice=voice,
        condition=condition,
        phrases=plan.phrases,
        truth={name: kind in SAID_KINDS for name, kind in plan.kind.items()},
        kind=plan.kind,
        spoken=[{"speaker": who, "text": " ".join(texts)} for who, texts in plan.turns],
        transcript=transcript.to_dict(),
        wer=round(float(jiwer.wer(_plain(plan.spoken_by(AGENT), language), _plain(heard, language))), 3),
    )


def _simplified(text: str, language: str) -> str:
    """Return Chinese text in simplified characters: the traditional ones are no errors."""
    if language != "zh":
        return text
    from opencc import OpenCC

    return str(OpenCC("t2s").convert(text))


def _spoken_cases(source: Iterator[Job], minutes: float, folder: Path, processes: int) -> Iterator[Case]:
    seconds = 0.0
    with ProcessPoolExecutor(processes) as pool:
        while seconds < 60 * minutes:
            batch = [next(source) for _ in range(2 * processes)]
            for case, length in pool.map(speak, batch, [folder] * len(batch)):
                seconds += length
                yield case
                print(
                    f"{case.id} {case.domain} {case.voice} {case.condition} {length:.0f} s wer {case.wer:.2f}",
                    flush=True,
                )


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Write cases, each as soon as it is made; the file takes its name when it is whole."""
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as file:
        for case in cases:
            file.write(json.dumps(asdict(case), ensure_ascii=False) + "\n")
            file.flush()
    partial.rename(path)


def main() -> None:
    options = _options()
    heard = options.out / "heard"
    heard.mkdir(parents=True, exist_ok=True)
    if "zh" in options.language:
        from benchmarks.phrase_homophones import chinese_cases

        write_cases(options.out / f"{options.split}-zh.jsonl", chinese_cases(options.split, options.chinese))
    if "en" in options.language:
        if options.simulated:
            from benchmarks.phrase_mishear import simulated_cases

            simulated = simulated_cases(options.split, options.simulated)
            write_cases(options.out / f"{options.split}-en-simulated.jsonl", simulated)
        if options.minutes:
            source = jobs("en", options.split, options.seed, varied=options.varied)
            cases = _spoken_cases(source, options.minutes, heard, options.processes)
            write_cases(options.out / f"{options.split}-en.jsonl", cases)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the cases")
    parser.add_argument("--split", choices=("train", "check", "test", "fresh"), required=True)
    parser.add_argument("--minutes", type=float, default=25, help="of English speech")
    parser.add_argument("--simulated", type=int, default=0, help="how many English calls without sound")
    parser.add_argument("--chinese", type=int, default=200, help="how many Chinese calls")
    parser.add_argument("--language", nargs="+", choices=("en", "zh"), default=["en", "zh"])
    parser.add_argument("--seed", type=int, default=7, help="another seed makes other calls")
    parser.add_argument("--varied", action="store_true", help="speak the scripts of benchmarks.phrase_variety")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
