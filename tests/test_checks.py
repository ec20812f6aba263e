"""Checks and flows: what is refused at load, what recognition errors do, where windows end."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.criteria_file import CriteriaError
from scoring.facts import CallFacts, Event
from scoring.marks import Answer
from scoring.outcome import RuleOutcome
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.places import EVERYWHERE, NOWHERE, common, joined, rest
from scoring.reasons import REASONS
from scoring.rules import check_rules
from tests.dialogues import Line, agent, customer, dialogue, unknown
from transcription.measures import AudioMeasures, Overlap, SideMeasures, TurnLevel
from transcription.transcript import Transcript


def rules(body: str, language: str = "en") -> PhraseSet:
    lines = "".join(f"  {line}\n" for line in body.strip("\n").splitlines())
    return load_phrase_set(f"phrase_set:\n  id: test\n  version: 1\n  language: {language}\n{lines}")


def check(conditions: str, goal: str, language: str = "en", **more: str) -> PhraseSet:
    extra = "".join(f", {name}: {value}" for name, value in more.items())
    return rules(f"checks:\n  - {{id: X, conditions: {{{conditions}}}, {goal}{extra}}}", language)


def outcome(phrases: PhraseSet, call: Transcript, **how: Any) -> RuleOutcome:
    found = check_rules(call, phrases, **how)["X"]
    for finding in found.findings:
        assert REASONS[finding.evidence.reason] % {**finding.evidence.values, "words": 0, "seconds": 0, "fact": ""}
    return found


def said(phrases: PhraseSet, *lines: Line, **how: Any) -> str:
    return outcome(phrases, dialogue(*lines, **how)).verdict.value


# What is refused at load.


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("expect: nothing", "<text>:6: checks.0.: X refers to 'nothing'"),
        ("conditions: {hello: {any: [hi]}}, expect: helo", "X refers to 'helo'.*did you mean 'hello'"),
        ("conditions: {a: {any: [hi]}}, expect: X", "X refers to itself"),
        ("conditions: {a: {any: [hi], after: a}}, expect: a", "a refers to itself"),
        ("conditions: {a: {any: [x], after: b}, b: {any: [y], before: a}}, expect: a", "circle: a → b → a"),
        ("conditions: {a: {any: [x]}, b: {any: [y]}}, expect: a", "b is used nowhere"),
        ("conditions: {a: {any: [x]}}, expect: a, forbid: a", "either expect or forbid"),
        ("conditions: {a: {role: agent}}, expect: a", "no operator: give one of any, all"),
        ("conditions: {a: {any: [x], regex: y}}, expect: a", r"2 operators \(any, regex\)"),
        ("conditions: {a: {any: [x], within_s: 5}}, expect: a", "need after, before or around"),
        ("conditions: {a: {any: [x], without: y}}, expect: a", "without goes with regex, not with any"),
        ("conditions: {a: {n_of: [x, y], at_least: 3}}, expect: a", "whole number from 1 to 2"),
        (
            "conditions: {a: {any: [x], afer: b}}, expect: a",
            "conditions.a.afer: unknown field 'afer': did you mean 'after'",
        ),
        ("conditions: {a: {regex: '(x'}}, expect: a", "not a valid regular expression"),
        ("conditions: {a: {any: [x], window: {}}}, expect: a", "is empty: give one of start_s"),
        ("conditions: {a: {any: [x], window: {between_s: [9, 3]}}}, expect: a", "smaller to a greater"),
        ("conditions: {a: {any: [x], outside: true}}, expect: a", "outside needs a window"),
        ("conditions: {and: {any: [x]}}, expect: a", "cannot be used in an expression"),
        ("conditions: {a: {field: {name: q, is: x}}, b: {any: [x], after: a}}, expect: b", "has no moment"),
        ("conditions: {a: {duration: {over_s: 9, under_s: 3}}}, expect: a", "over_s must be below under_s"),
        ("conditions: {a: {any: [x]}}, expect: a and (b", "parenthesis is not closed"),
        ("conditions: {a: {any: [x]}}, expect: a, effect: {points: 0}", "0 points have no effect"),
        ("conditions: {a: {any: [x], role: customer}}, forbid: a", "what the customer may say against the agent"),
        ("conditions: {a: {any: [x], role: any}}, forbid: a", "what the customer may say against the agent"),
        ("conditions: {a: {any: [x], role: customer}}, expect: not a", "against the agent"),
        ("conditions: {a: {any: [x], role: customer}}, forbid: a, severity: review, effect: {points: -1}", "against"),
        ("conditions: {a: {not: {not: {not: {not: {not: {not: {any: [x]}}}}}}}}, expect: a", "nested more than 4"),
    ],
)
def test_a_broken_check_names_place_and_remedy(body: str, says: str) -> None:
    with pytest.raises(CriteriaError, match=says):
        rules(f"checks:\n  - {{id: X, {body}}}")


def test_too_many_conditions_are_refused() -> None:
    many = ", ".join(f"c{number}: {{any: [x]}}" for number in range(41))

    with pytest.raises(CriteriaError, match="at most 40"):
        check(many, "expect: c1")


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("[{id: a, expect: {any: [x]}, next: b}]", "goes on to 'b'"),
        ("[{id: a, expect: {any: [x]}}, {id: a, expect: {any: [y]}}]", "given twice"),
        ("[{id: a, expect: {any: [x]}}, {id: b, expect: {any: [y]}, next: a}]", "goes back to 'a'"),
        ("[{id: end, expect: {any: [x]}}]", "cannot be called end"),
        ("[{id: a, expect: {any: [x]}, branches: [{when: nowhere, go: end}]}]", "refers to 'nowhere'"),
        ("[]", "add at least one"),
    ],
)
def test_a_broken_flow_names_place_and_remedy(steps: str, says: str) -> None:
    with pytest.raises(CriteriaError, match=says):
        rules(f"flows:\n  - {{id: X, steps: {steps}}}")


def test_checks_of_several_kinds_that_refer_to_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(CriteriaError, match="circle"):
        rules("checks:\n  - {id: A, expect: B}\n  - {id: B, expect: not A}")


def test_customer_words_may_be_pointed_at_and_may_be_circumstances() -> None:
    pointed = check("a: {any: [lawyer], role: customer}", "forbid: a", severity="review")
    excused = check("a: {any: [sorry]}, b: {any: [thank you], role: customer}", "expect: a or not b")

    assert said(pointed, customer("i will call my lawyer")) == "not_met"
    assert said(excused, agent("right"), customer("thank you")) == "not_met"


# Recognition errors never punish.


def test_words_that_only_sound_like_forbidden_ones_cannot_be_told() -> None:
    phrases = check("a: {any: [that is your own stupid fault]}", "forbid: a")

    assert said(phrases, agent("that is your own stupid fault")) == "not_met"
    assert said(phrases, agent("that is your own stupid vault")) != "not_met"
    assert said(phrases, agent("that is your own stupid fault"), confidence=0.3) == "cannot_tell"
    assert said(phrases, agent("you said that is your own stupid fault")) == "cannot_tell"
    assert said(phrases, unknown("that is your own stupid fault")) == "cannot_tell"
    assert said(phrases, agent("have a nice day")) == "met"


def test_forbidden_words_inside_sentences_that_the_set_wants_do_not_fire() -> None:
    phrases = rules(
        """
checks:
  - {id: WANT, conditions: {ask: {any: [不知道我这样解释您清楚吗]}}, expect: ask}
  - {id: X, conditions: {bad: {any: [不知道]}}, forbid: bad}
forbidden:
  - {id: OLD, role: agent, severity: minor, any: [不知道]}
""",
        "zh-CN",
    )
    fine = dialogue(agent("不知道我这样解释您清楚吗"), language="zh-CN")
    both = dialogue(agent("不知道我这样解释您清楚吗"), agent("这个我不知道"), language="zh-CN")
    quoted = dialogue(agent("您刚才说您不知道密码"), language="zh-CN")

    for rule in ("X", "OLD"):
        assert check_rules(fine, phrases)[rule].verdict is Answer.MET
        assert check_rules(both, phrases)[rule].verdict is Answer.NOT_MET
        assert check_rules(quoted, phrases)[rule].verdict is Answer.CANNOT_TELL


def test_absence_is_doubted_where_the_recogniser_was_unsure() -> None:
    phrases = check("a: {any: [thank you for calling]}", "expect: a")

    assert said(phrases, agent("so long")) == "not_met"
    assert said(phrases, agent("so long"), confidence=0.3) == "cannot_tell"
    assert said(phrases, customer("so long")) == "cannot_tell"
    assert said(phrases, unknown("so long")) == "cannot_tell"


def test_the_nearest_miss_and_what_was_searched_are_kept() -> None:
    phrases = check("a: {any: [thank you for your patience], window: {start_s: 20}}", "expect: a")
    found = outcome(phrases, dialogue(agent("we close at nine today"), customer("ok"))).findings[0]

    assert found.verdict is Answer.NOT_MET
    assert found.evidence.text
    assert found.evidence.values["words"] == 5


def test_a_catastrophic_pattern_ends_in_time_and_says_so() -> None:
    phrases = check("a: {regex: '(a|aa)+$'}", "forbid: a")
    begin = time.process_time()
    found = outcome(phrases, dialogue(*(agent("a" * 60 + "b") for _ in range(20))))

    assert time.process_time() - begin < 5
    assert (found.verdict, found.findings[0].evidence.reason) == (Answer.CANNOT_TELL, "pattern_too_slow")


@pytest.mark.parametrize("text", ["", "😀😀", "مرحبا كيف حالك", "\u202eabc", "-" * 500])
def test_odd_transcripts_have_a_defined_answer(text: str) -> None:
    phrases = check("a: {any: [hello]}, b: {silence: {over_s: 5}}, c: {entity: phone}", "expect: a and not b or c")

    assert outcome(phrases, dialogue(agent(text))).verdict in (Answer.NOT_MET, Answer.CANNOT_TELL)
    assert outcome(phrases, Transcript("en", 0.0, 1)).verdict is Answer.CANNOT_TELL


# Where.


def test_a_window_is_half_open_and_measured_on_words() -> None:
    phrases = check("a: {any: [goodbye], match: exact, window: {start_s: 10}}", "expect: a")
    long = "word " * 40

    assert said(phrases, agent("hello"), agent("goodbye", 9.9)) == "met"
    assert said(phrases, agent("hello"), agent("goodbye", 10.0)) == "cannot_tell"  # times are not that exact
    assert said(phrases, agent("hello"), agent("goodbye", 10.6)) == "not_met"
    assert said(phrases, agent(long + "goodbye")) == "not_met"  # the turn began in time, the word did not
    assert said(phrases, agent(long + "goodbye"), word_times=False) == "cannot_tell"


def test_without_times_a_window_in_seconds_cannot_be_placed_but_absence_is_sure() -> None:
    phrases = check("a: {any: [goodbye], window: {end_s: 10}}", "expect: a")

    assert said(phrases, agent("goodbye"), timed=False) == "cannot_tell"
    assert said(phrases, agent("hello"), timed=False) == "not_met"


def test_turn_windows_and_order_need_no_times() -> None:
    phrases = check("a: {any: [goodbye], window: {end_turns: 1}}, b: {any: [fee], before: a}", "expect: b")
    fee_first = (agent("the fee"), customer("ok"), agent("goodbye"))

    assert said(phrases, *fee_first, timed=False) == "met"
    assert said(phrases, *reversed(fee_first), timed=False) == "not_applicable"


def test_a_doubtful_anchor_leaves_the_condition_open() -> None:
    phrases = check("a: {any: [ok], match: exact, role: customer}, b: {any: [goodbye], after: a}", "expect: b")

    assert said(phrases, customer("ok"), agent("goodbye")) == "met"
    doubtful = dialogue(customer("yes"), agent("goodbye"), confidence=0.2)
    assert outcome(phrases, doubtful).verdict is Answer.CANNOT_TELL


@pytest.mark.parametrize(
    ("hit", "verdict"), [("first", "met"), ("last", "not_met"), ("2", "not_met"), ("any", "met"), ("each", "not_met")]
)
def test_which_hit_of_the_anchor_counts(hit: str, verdict: str) -> None:
    phrases = check(
        f"a: {{any: [problem], role: customer}}, b: {{any: [sorry], after: a, hit: {hit}, within_turns: 1}}",
        "expect: b",
    )
    lines = (customer("a problem"), agent("so sorry"), customer("another problem"), agent("right"), customer("yes"))

    assert said(phrases, *lines) == verdict


def test_an_agent_without_a_turn_after_the_anchor_is_not_blamed() -> None:
    phrases = check("a: {any: [problem], role: customer}, b: {any: [sorry], after: a, within_turns: 1}", "expect: b")

    assert said(phrases, agent("hello"), customer("a problem")) == "cannot_tell"


INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5).map(
    lambda pairs: joined((float(min(pair)), float(max(pair))) for pair in pairs)
)


@given(INTERVALS, INTERVALS, st.integers(-1, 31))
def test_places_obey_the_algebra_of_sets(
    first: tuple[tuple[float, float], ...], second: tuple[tuple[float, float], ...], moment: int
) -> None:
    def inside(intervals: tuple[tuple[float, float], ...]) -> bool:
        return any(start <= moment < end for start, end in intervals)

    assert inside(common(first, second)) is (inside(first) and inside(second))
    assert inside(rest(first)) is not inside(first)
    assert rest(rest(first)) == first
    assert (rest(NOWHERE), rest(EVERYWHERE)) == (EVERYWHERE, NOWHERE)


def test_outside_of_what_did_not_happen_is_everywhere() -> None:
    phrases = check("a: {any: [sorry]}, b: {silence: {over_s: 8}, around: a, within_s: 9, outside: true}", "forbid: b")

    assert said(phrases, agent("well"), agent("here", 20.0)) == "not_met"
    assert said(phrases, agent("i am sorry"), agent("here", 20.0)) == "met"


def test_the_first_hit_of_an_anchor_that_is_doubtful_leaves_open_which_is_the_first() -> None:
    phrases = check(
        "a: {entity: id_card, role: customer}, b: {any: [谢谢], match: exact, after: a, hit: first, within_turns: 1}",
        "expect: b",
        "zh-CN",
    )
    wrong, right = "110105194912310021", "11010519491231002X"

    assert said(phrases, customer(right), agent("谢谢"), customer(right), agent("好"), language="zh-CN") == "met"
    assert (
        said(phrases, customer(wrong), agent("谢谢"), customer(right), agent("好"), language="zh-CN") == "cannot_tell"
    )


def test_a_jump_in_loudness_is_known_from_the_levels_of_turns() -> None:
    phrases = check("a: {loudness: {jump_db: 12}}", "forbid: a")
    side = SideMeasures(10.0, 0.5, None, "words/min", 0, -25.0, 5.0, 0.0)

    def measured(*levels: float) -> Answer:
        turns = tuple(TurnLevel("agent", 5.0 * n, 5.0 * n + 3, level) for n, level in enumerate(levels))
        measures = AudioMeasures(30.0, 2, {"agent": side}, turn_levels=turns)
        return outcome(phrases, dialogue(agent("hello"), agent("again", 5.0)), measures=measures).verdict

    assert measured(-30, -25, -28) is Answer.MET
    assert measured(-30, -15) is Answer.NOT_MET


def test_a_flow_goes_the_way_that_its_branch_says_and_an_open_branch_ends_it() -> None:
    phrases = rules(
        """
flows:
  - id: X
    conditions:
      vip: {field: {name: level, is: vip}}
    steps:
      - {id: hello, expect: {any: [good morning]}, branches: [{when: vip, go: thanks}]}
      - {id: wait, expect: {any: [please hold the line]}, next: end}
      - {id: thanks, expect: {any: [thank you for your loyalty]}}
"""
    )
    call = dialogue(agent("good morning"), customer("hi"), agent("thank you for your loyalty"))

    def way(**fields: str) -> list[str]:
        found = outcome(phrases, call, facts=CallFacts(fields=fields))
        return [f"{finding.part} {finding.verdict.value}" for finding in found.findings]

    assert way(level="vip") == ["hello met", "thanks met"]
    assert way(level="basic") == ["hello met", "wait not_met"]
    assert way() == ["hello met", "hello cannot_tell"]


# Hits, points, persons.


def test_every_hit_is_a_finding_with_its_evidence() -> None:
    phrases = check("a: {any: [no idea]}, b: {any: [whatever]}", "forbid: a or b", needs_person="true")
    found = outcome(phrases, dialogue(agent("no idea"), customer("what"), agent("whatever no idea"), confidence=0.9))

    assert [finding.kind for finding in found.findings] == ["hit"] * 3
    assert [finding.evidence.turn for finding in found.findings] == [0, 2, 2]
    assert [finding.evidence.text for finding in found.findings] == ["no idea", "whatever", "no idea"]
    assert found.needs_person


def test_a_hold_is_no_silence() -> None:
    phrases = check("a: {silence: {over_s: 10}}", "forbid: a")
    call = dialogue(agent("one moment"), agent("here you are", 40.0))
    hold = CallFacts(events=(Event("hold", 3.0, 39.0),))

    assert outcome(phrases, call).verdict is Answer.NOT_MET
    assert outcome(phrases, call, facts=hold).verdict is Answer.MET


def test_an_interruption_whose_words_are_unknown_cannot_be_told() -> None:
    phrases = check("a: {interruption: {overlap_s: 1, min_words: 2, delay_s: 3}}", "forbid: a")
    call = dialogue(customer("one two three four five six seven eight nine ten eleven"), agent("stop that now", 2.0))

    def measured(start: float, words: int | None) -> Answer:
        overlaps = (Overlap(start, start + 2.0, "agent", words, None),)
        return outcome(phrases, call, measures=AudioMeasures(10.0, 2, overlaps=overlaps)).verdict

    assert measured(3.5, 3) is Answer.NOT_MET
    assert measured(2.0, 3) is Answer.MET  # the customer had only just begun
    assert measured(3.5, None) is Answer.CANNOT_TELL


@pytest.mark.parametrize(
    ("digits", "verdict"),
    [
        ("11010519491231002X", "met"),
        ("110105194912310021", "cannot_tell"),  # the check digit does not fit
        ("1101051949123100", "not_met"),
    ],
)
def test_an_identity_number_is_known_by_its_check_digit(digits: str, verdict: str) -> None:
    phrases = check("a: {entity: id_card, role: customer}", "expect: a", "zh-CN")

    assert said(phrases, agent("请讲"), customer(digits), language="zh-CN") == verdict


def test_doubted_digits_are_no_value() -> None:
    phrases = check("a: {entity: number, role: customer}", "expect: a")

    assert said(phrases, customer("it is seven two three four"), confidence=0.9) == "met"
    assert said(phrases, customer("it is seven two three four"), confidence=0.3) == "cannot_tell"


def test_a_flow_that_may_have_moved_on_does_not_fail_its_next_step() -> None:
    phrases = rules(
        """
flows:
  - id: X
    steps:
      - {id: ask, expect: {any: [请问您的身份证号码是多少]}}
      - {id: number, expect: {entity: id_card, role: customer}}
      - {id: thanks, expect: {any: [谢谢您的配合]}, within_turns: 1}
""",
        "zh-CN",
    )
    call = dialogue(
        agent("请问您的身份证号码是多少"), customer("110105194912310021"), agent("好"), language="zh-CN", pace=0.1
    )
    found = {finding.part: finding.verdict.value for finding in outcome(phrases, call).findings}

    assert found == {"ask": "met", "number": "cannot_tell", "thanks": "cannot_tell"}


@given(st.lists(st.tuples(st.sampled_from(["agent", "customer", "unknown"]), st.text(max_size=30)), max_size=6))
def test_no_dialogue_breaks_a_check(lines: list[tuple[str, str]]) -> None:
    phrases = _EVERYTHING
    for timed in (True, False):
        found = check_rules(dialogue(*lines, timed=timed), phrases)["X"]
        assert found.findings


_EVERYTHING = check(
    "a: {any: [hello], hits: 2, window: {start_percent: 50}}, b: {similar: [good morning], after: a, within_s: 9},"
    "c: {regex: 'a.*b', window: {end_turns: 2}, outside: true}, d: {repeated: {}, around: b, hit: last, within_s: 2},"
    "e: {entity: date, same_turn: a}, f: {response_time: {over_s: 1}, role: any}, g: {turns: {over: 3}},"
    "h: {near: {any: [a], to: [b], words: 2}, before: f, hit: 2}, i: {hangup_gap: {over_s: 1}}, j: {read_back: k},"
    "k: {entity: number, role: customer}, l: {speech_rate: {over: 100, per: turn}}, m: {speaks: true, after: k}",
    "expect: a or b or not c or (d and e) or f or g or h or i or j or l or m",
)
