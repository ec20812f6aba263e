"""How long the machine's score of a call takes: `python benchmarks/call_score.py`.

The transcripts are made here: 80 turns of ordinary talk, about 800 words (1,400 characters in Chinese), with the
shipped scorecards and phrase sets. There is no peer that does the same; the figure stands for itself.
"""

from __future__ import annotations

import statistics
import time
from itertools import cycle

from scoring.call_score import score_call
from scoring.phrase_set import load_phrase_set
from scoring.scorecard import load_scorecard
from scoring.shipped import shipped
from transcription.transcript import Transcript, Turn, Word

RUNS = 20
TURNS = 80
TALK = {
    "en-bank": (
        "good morning thank you for calling lakeside bank my name is dana how can i help",
        "hello i saw a payment last week that i do not quite understand",
        "let me have a look at that with you please confirm the date",
        "it was on monday in the morning i think",
    ),
    "zh-mobile": (
        "您好工号零七二八为您服务请问有什么可以帮您",
        "我想问一下上个月的话费怎么比平时多了",
        "好的请您稍等我帮您查询一下本月的账单",
        "嗯好的麻烦你了谢谢",
    ),
}


def transcript(name: str) -> Transcript:
    """Return a call of TURNS turns in the language of the scorecard `name`, with times and confidence."""
    turns, clock = [], 0.5
    for number, text in zip(range(TURNS), cycle(TALK[name]), strict=False):
        units = text.split() if name.startswith("en") else [*text]
        step = 0.35 if name.startswith("en") else 0.25
        words = tuple(Word(unit, clock + i * step, clock + (i + 1) * step, 0.9) for i, unit in enumerate(units))
        turns.append(Turn("customer" if number % 2 else "agent", clock, words[-1].end, text, words))
        clock = words[-1].end + 0.5
    return Transcript("en" if name.startswith("en") else "zh-CN", clock, 2, tuple(turns), "made")


def main() -> None:
    print(f"{'scorecard':<12}{'first ms':>10}{'median ms':>11}{'worst ms':>10}")
    for name in TALK:
        call = transcript(name)
        card, phrases = load_scorecard(shipped(f"scorecard-{name}")), load_phrase_set(shipped(f"phrases-{name}"))
        taken = []
        for _ in range(RUNS + 1):
            begin = time.perf_counter()
            score_call(call, card, phrases)
            taken.append(1000 * (time.perf_counter() - begin))
        print(f"{name:<12}{taken[0]:>10.0f}{statistics.median(taken[1:]):>11.0f}{max(taken[1:]):>10.0f}")


if __name__ == "__main__":
    main()
