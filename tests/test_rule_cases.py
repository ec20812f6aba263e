"""Test cases of rules: read with clear errors, run, and counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.marks import Answer
from scoring.rule_cases import CaseError, CaseVerdict, figures_of, read_cases, run_cases
from tests.dialogues import agent, dialogue
from tests.rule_sets import changed, desk

HELLO = "agent: good morning this is the desk\ncustomer: hello\nagent: all done goodbye"


def line(**fields: Any) -> str:
    return json.dumps({"id": "one", "dialogue": HELLO, "expect": {"HELLO": "met"}, **fields})


def test_a_case_is_right_when_every_rule_answers_as_expected() -> None:
    cases = read_cases(
        line(expect={"HELLO": "met", "BYE": "met", "RUDE": "met", "LOST": "not_met"}), name="c", phrases=desk()
    )

    report = run_cases(desk(), cases)

    assert report.failing == ()
    assert {one.rule: (one.cases, one.right) for one in report.figures} == {
        "HELLO": (1, 1), "BYE": (1, 1), "LOST": (1, 1), "RUDE": (1, 1),
    }  # fmt: skip
    assert [one.rule for one in report.figures] == ["HELLO", "BYE", "LOST", "RUDE"]  # as in the set


def test_a_failing_case_says_what_was_answered_and_shows_the_words() -> None:
    text = "\n".join(
        [
            "# what the desk says",
            line(id="fine"),
            "",
            line(
                id="rude", dialogue="agent: good morning\nagent: calm down sir\nagent: goodbye", expect={"RUDE": "met"}
            ),
        ]
    )

    report = run_cases(desk(), read_cases(text, name="c", phrases=desk()))

    (failing,) = report.failing
    (wrong,) = failing.wrong
    assert (failing.case.id, wrong.rule, wrong.expected, wrong.got) == ("rude", "RUDE", Answer.MET, Answer.NOT_MET)
    assert any(finding.evidence.text == "calm down" for finding in wrong.findings)


def test_a_case_may_be_a_transcript_with_facts_and_events() -> None:
    said = dialogue(agent("good morning this is the desk"))
    case = {
        "id": "t",
        "transcript": said.to_dict(),
        "fields": {"caller_name": "Ada"},
        "events": [{"kind": "hold", "start": 3, "end": 9.5}],
        "organisation_names": ["Lakeside"],
        "expect": {"HELLO": "met"},
    }

    (read,) = read_cases(json.dumps(case), name="c", phrases=desk())

    assert read.transcript == said
    assert read.facts.fields == {"caller_name": "Ada"}
    assert read.facts.holds()[0].end == 9.5
    assert read.facts.organisation_names == ("Lakeside",)


def test_a_case_that_names_no_organisation_gets_the_configured_names() -> None:
    given = line() + "\n" + line(id="two", organisation_names=["Lakeside"])

    cases = read_cases(given, name="c", phrases=desk(), organisation_names=["Hillside", "Hill Bank"])

    assert [case.facts.organisation_names for case in cases] == [("Hillside", "Hill Bank"), ("Lakeside",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"c:1: holds no test case"),
        ("{}", r"c:1: id: is missing"),
        ("\n{", r"c:2: is not JSON"),
        ("[" * 100_000, r"c:1: is n"),
        ("[]", r"c:1: the document: must be a JSON object"),
        (line(dialog="x"), r"c:1: dialog: unknown field: did you mean dialogue\?"),
        (line(transcript={}), r"c:1: give either dialogue .* or transcript"),
        (line(dialogue=None), r"c:1: give either"),
        (line(dialogue="hello"), r"c:1: dialogue: line 1: .* does not say who speaks"),
        (line(expect={}), r"c:1: expect: names no rule"),
        (line(expect={"HELO": "met"}), r"c:1: expect: desk/1 has no rule 'HELO': did you mean HELLO\?"),
        (line(expect={"HELLO": "partly"}), r"c:1: expect.HELLO: 'partly' is no verdict: choose from met, not_met"),
        (line(events=[{"kind": "hold"}]), r"c:1: events\[0\].start: is missing"),
        (line(measures={}), r"c:1: measures: "),
        (line(organisation_names="Lake"), r"c:1: organisation_names: must be a list"),
        (line() + "\n" + line(), r"c:2: id 'one' is used in line 1"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_used_says_where_and_how_to_mend_it(text: str, message: str) -> None:
    with pytest.raises(CaseError, match=message):
        read_cases(text, name="c", phrases=desk())


def test_every_bad_line_is_named() -> None:
    with pytest.raises(CaseError) as caught:
        read_cases("\n".join([line(), "{", line(id="")]), name="c", phrases=desk())

    assert [one.split(" ")[0] for one in str(caught.value).split("\n")] == ["c:2:", "c:3:"]


def test_a_rule_that_is_gone_fails_its_case() -> None:
    cases = read_cases(line(expect={"LOST": "not_met"}), name="c", phrases=desk())
    without = changed("id: LOST", "id: STOLEN")

    report = run_cases(without, cases)

    assert report.failing[0].wrong[0].got is None
    assert report.figures[0].right == 0


def test_two_drafts_of_one_version_are_each_judged_by_their_own_words() -> None:
    cases = read_cases(line(expect={"HELLO": "met"}), name="c", phrases=desk())
    other = changed("[good morning, good afternoon]", "[welcome to the desk]")

    assert run_cases(desk(), cases).failing == ()
    assert len(run_cases(other, cases).failing) == 1
    assert run_cases(desk(), cases).failing == ()


def test_figures_keep_both_directions_of_errors_apart() -> None:
    met, missing, unsure = Answer.MET, Answer.NOT_MET, Answer.CANNOT_TELL
    pairs = [(missing, missing), (missing, met), (missing, unsure), (met, missing), (met, met), (met, unsure)]

    found = figures_of("R", missing, [CaseVerdict("R", expected, got) for expected, got in pairs])

    assert (found.cases, found.right, found.found) == (6, 2, 1)
    assert (found.false_alarms, found.missed, found.undecided) == (1, 2, 2)
    assert found.precision == 1 / 2
    assert found.recall == 1 / 3
    assert found.f1 == pytest.approx(0.4)


def test_without_anything_to_find_there_is_no_f1() -> None:
    found = figures_of("R", Answer.NOT_MET, [CaseVerdict("R", Answer.MET, Answer.MET)])

    assert (found.precision, found.recall, found.f1) == (None, None, None)


verdicts = st.lists(
    st.builds(CaseVerdict, st.just("R"), st.sampled_from(list(Answer)), st.sampled_from([*Answer, None]))
)


@given(verdicts, st.sampled_from([Answer.MET, Answer.NOT_MET]))
def test_figures_add_up(given_verdicts: list[CaseVerdict], target: Answer) -> None:
    found = figures_of("R", target, given_verdicts)

    wrong = found.cases - found.right
    assert found.false_alarms + found.missed <= wrong
    assert found.undecided <= wrong
    if found.f1 is not None and found.precision is not None and found.recall is not None and found.f1 > 0:
        assert found.f1 == pytest.approx(2 * found.precision * found.recall / (found.precision + found.recall))


names = st.sampled_from(["id", "dialogue", "expect", "events", "fields", "transcript", "language"])
leaves = st.none() | st.booleans() | st.floats() | st.text(max_size=20)
contents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner), max_leaves=12
)


@settings(max_examples=50)
@given(contents)
def test_any_json_is_read_or_refused(content: Any) -> None:
    with pytest.raises(CaseError):
        read_cases(json.dumps(content), name="c", phrases=desk())
