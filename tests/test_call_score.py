from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.call_score import AnswerError, GivenAnswer, auto_items_score, score_answers, score_call
from scoring.facts import CallFacts
from scoring.marks import ANSWERED, Answer, CallScore
from scoring.phrase_set import load_phrase_set
from scoring.reasons import REASONS
from scoring.scorecard import Scorecard, load_scorecard
from scoring.shipped import shipped
from tests.dialogues import agent, customer, dialogue

ZH = load_scorecard(shipped("scorecard-zh-mobile"))
EN = load_scorecard(shipped("scorecard-en-bank"))
ZH_PHRASES = load_phrase_set(shipped("phrases-zh-mobile"))
EN_PHRASES = load_phrase_set(shipped("phrases-en-bank"))

MET = GivenAnswer(Answer.MET)


def full(card: Scorecard, **changed: GivenAnswer) -> dict[str, GivenAnswer]:
    """Answers that meet every item, except those named."""
    return {item.id: MET for _, item in card.items()} | changed


def mark(score: CallScore, item: str):  # type: ignore[no-untyped-def]
    return next(mark for mark in score.marks if mark.item == item)


def test_a_call_without_fault_earns_100_and_the_best_band() -> None:
    score = score_answers(ZH, full(ZH))

    assert (score.raw, score.final, score.passed, score.band, score.complete) == (100, 100, True, "A", True)


def test_deductions_are_taken_off_and_floored_at_the_item() -> None:
    off = GivenAnswer(Answer.PARTLY, ("缺一要素", "缺一要素"))
    too_much = GivenAnswer(Answer.NOT_MET, ("表述不严谨", "错误", "错误"))

    score = score_answers(ZH, full(ZH, A1=off, D1=too_much))

    assert score.raw == 100 - 4 - 12
    assert (mark(score, "A1").answer, mark(score, "D1").points) == (Answer.NOT_MET, 0)
    assert mark(score, "D1").deductions == (("表述不严谨", 3), ("错误", 8), ("错误", 8))


def test_partly_earns_what_the_scale_says() -> None:
    assert score_answers(EN, full(EN, S3=GivenAnswer(Answer.PARTLY), R1=GivenAnswer(Answer.NOT_MET))).raw == 82


def test_what_does_not_apply_hands_its_weight_on_within_the_section() -> None:
    score = score_answers(EN, full(EN, S3=GivenAnswer(Answer.NOT_APPLICABLE), S1=GivenAnswer(Answer.NOT_MET)))

    assert sum(mark.possible for mark in score.marks) == pytest.approx(100)
    assert mark(score, "S1").possible == pytest.approx(4 * 30 / 18, abs=1e-3)
    assert score.raw == pytest.approx(100 - 4 * 30 / 18, abs=1e-3)
    assert (score.not_applicable_weight, score.answered_weight) == (12, 88)


def test_a_section_without_any_answer_hands_its_weight_to_the_others_visibly() -> None:
    none = {item.id: GivenAnswer(Answer.NOT_APPLICABLE) for section, item in EN.items() if section.id == "P"}

    score = score_answers(EN, full(EN) | none)

    possible = {section.section: section.possible for section in score.sections}
    assert possible["P"] == 0
    assert possible["S"] == pytest.approx(30 / 85 * 100, abs=1e-3)
    assert score.sections[-1].points is None
    assert score.raw == 100


def test_a_review_that_answers_too_little_has_no_score() -> None:
    score = score_answers(EN, {"S3": MET, "R1": MET})

    assert (score.raw, score.final, score.passed, score.band, score.complete) == (None, None, None, None, False)


def test_a_fatal_item_counts_once_a_person_confirms_it_and_the_raw_score_stays() -> None:
    zero = score_answers(ZH, full(ZH, F1=GivenAnswer(Answer.NOT_MET)))
    cap = score_answers(ZH, full(ZH, F6=GivenAnswer(Answer.NOT_MET)))
    cleared = score_answers(ZH, full(ZH, F1=MET))

    assert (zero.raw, zero.final, zero.passed, zero.band) == (100, 0, False, "C")
    assert (cap.raw, cap.final, cap.passed) == (100, 59, False)
    assert (cleared.final, cleared.fatals[0].confirmed) == (100, False)


def test_bonus_points_are_capped_and_never_lift_a_score_above_100() -> None:
    bonus = {"P1": MET, "P2": MET}
    low = score_answers(ZH, full(ZH, D1=GivenAnswer(Answer.NOT_MET)) | bonus)

    assert (low.raw, low.bonus) == (91, 3)
    assert score_answers(ZH, full(ZH) | bonus).raw == 100


NA, NOT_MET, PARTLY = (GivenAnswer(answer) for answer in (Answer.NOT_APPLICABLE, Answer.NOT_MET, Answer.PARTLY))


def off(*names: str) -> GivenAnswer:
    return GivenAnswer(Answer.PARTLY, names)


def section(card: Scorecard, name: str, answer: GivenAnswer) -> dict[str, GivenAnswer]:
    return {item.id: answer for part, item in card.items() if part.id == name}


@pytest.mark.parametrize(
    ("card", "answers", "raw"),
    [
        # Section E does not apply: A counts 20 of 85, and A1 4 of the 13 that apply in it; D1 counts 12 of 85.
        (
            ZH,
            section(ZH, "E", NA) | {"A4": NA, "A5": NA, "A1": off("缺一要素"), "D1": off("表述不严谨")},
            100 - 100 * 20 / 85 * 4 / 13 * 2 / 4 - 100 * 30 / 85 * 12 / 30 * 3 / 12,
        ),
        # Cannot tell leaves the denominator just as N/A does.
        (ZH, {"C1": GivenAnswer(Answer.CANNOT_TELL), "C2": off("让客户重复两次")}, 100 - 20 * 5 / 15 * 2 / 5),
        # Section P does not apply, nor do S4 and S5: S counts 30 of 85, and S3 12 of the 19 that apply in it.
        (
            EN,
            section(EN, "P", NA) | {"S4": NA, "S5": NA, "S3": PARTLY, "R1": NOT_MET},
            100 - 100 * 30 / 85 * 12 / 19 / 2 - 100 * 30 / 85 * 12 / 30,
        ),
    ],
)
def test_scores_are_those_that_were_reckoned_by_hand(
    card: Scorecard, answers: dict[str, GivenAnswer], raw: float
) -> None:
    score = score_answers(card, full(card) | answers)

    assert score.raw == pytest.approx(raw, abs=1e-4)
    assert sum(part.possible for part in score.sections) == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize(
    ("answers", "raw", "passed", "band"),
    [
        ({"A1": off("缺一要素"), "D1": off("错误")}, 90, True, "A"),
        ({"A1": off("缺一要素", "超出时间窗"), "D1": off("错误")}, 89, True, "B"),
        (section(ZH, "E", NOT_MET), 85, True, "B"),
        (section(ZH, "E", NOT_MET) | {"A1": off("超出时间窗")}, 84, False, "B"),
        ({"D1": NOT_MET, "D2": NOT_MET}, 80, False, "B"),
        ({"D1": NOT_MET, "D2": NOT_MET, "A1": off("超出时间窗")}, 79, False, "C"),
        (section(ZH, "C", NOT_MET) | section(ZH, "D", NOT_MET), 50, False, "C"),
    ],
)
def test_bands_and_pass_mark_begin_at_their_number(
    answers: dict[str, GivenAnswer], raw: float, passed: bool, band: str
) -> None:
    score = score_answers(ZH, full(ZH) | answers)
    capped = score_answers(ZH, full(ZH, F6=NOT_MET) | answers)

    assert (score.raw, score.final, score.passed, score.band) == (raw, raw, passed, band)
    # A cap is no gift: whoever is below it stays there.
    assert (capped.raw, capped.final, capped.passed) == (raw, min(raw, 59), False)


@pytest.mark.parametrize(
    ("floors", "answers", "raw"),
    [
        ({}, {"D1": off("错误", "错误", "错误")}, 88),
        ({"item": -6}, {"D1": off("错误", "错误", "错误")}, 82),  # 12 - 24, but not below -6
        ({"item": -99}, {"D1": off(*["错误"] * 9)}, 70),  # 18 - 60, but a section not below 0
        ({"item": -99, "section": -10}, {"D1": off(*["错误"] * 9)}, 60),
        ({"total": 25}, {name: NOT_MET for part in "ABCDE" for name in section(ZH, part, NOT_MET)}, 25),
    ],
)
def test_floors_hold_at_item_section_and_total(
    floors: dict[str, float], answers: dict[str, GivenAnswer], raw: float
) -> None:
    card = Scorecard.model_validate({**ZH.model_dump(mode="json"), "floors": floors})

    assert score_answers(card, full(card) | answers).raw == raw


def test_a_score_is_complete_from_exactly_the_least_that_must_be_answered() -> None:
    enough = section(EN, "S", MET) | section(EN, "R", MET)  # 30 + 30 of 100
    most = {name: answer for name, answer in enough.items() if name != "R4"}

    assert (score_answers(EN, enough).complete, score_answers(EN, enough).raw) == (True, 100)
    assert (score_answers(EN, most).complete, score_answers(EN, most).raw) == (False, None)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"Z9": MET}, "Z9: no such item"),
        ({"A1": GivenAnswer(Answer.PARTLY)}, "A1: partly needs a deduction: name one of 缺一要素"),
        ({"A1": GivenAnswer(Answer.PARTLY, ("迟到",))}, "A1: no deduction '迟到'"),
        ({"A1": GivenAnswer(Answer.MET, ("缺一要素",))}, "A1: answered met, but has deductions"),
        ({"F1": GivenAnswer(Answer.PARTLY)}, "F1: a fatal item is answered met"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_name(answers: dict[str, GivenAnswer], message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        score_answers(ZH, answers)


# By the machine.

GOOD = dialogue(
    agent("您好工号八零二三请问有什么可以帮您"),
    customer("我想问一下话费"),
    agent("好的请稍等"),
    agent("请问还有其他可以帮您的吗"),
    customer("没有了谢谢"),
    agent("请您稍后为本次服务打分感谢您的来电再见"),
    language="zh-CN",
)


def test_the_machine_scores_what_it_can_and_leaves_the_rest_open() -> None:
    score = score_call(GOOD, ZH, ZH_PHRASES)

    assert {mark(score, item).answer for item in ("A1", "A2", "E2")} == {Answer.MET}
    assert mark(score, "D1").answer is Answer.CANNOT_TELL
    assert mark(score, "D1").evidence[0].reason == "for_person"
    assert mark(score, "A6").needs_person
    assert not score.complete
    assert score.passed is None
    assert auto_items_score(ZH, score) == 100


def test_missing_parts_are_deducted_each_with_evidence() -> None:
    call = dialogue(agent("您好说吧"), customer("我想问一下话费"), agent("再见"), language="zh-CN")

    score = score_call(call, ZH, ZH_PHRASES)

    assert mark(score, "A1").deductions == (("缺一要素", 2), ("缺一要素", 2))
    assert mark(score, "A2").answer is Answer.NOT_MET
    assert [e.part for e in mark(score, "A1").evidence if e.verdict == "not_met"] == ["工号", "询问"]


def test_doubt_that_could_change_the_points_leaves_an_item_open() -> None:
    unsure = dialogue(agent("您好公好八零二三请问有什么能够帮到你的"), customer("话费"), language="zh-CN")

    assert mark(score_call(unsure, ZH, ZH_PHRASES), "A1").answer is Answer.CANNOT_TELL


def test_a_suspected_fatal_item_changes_no_score_until_a_person_confirms_it() -> None:
    score = score_call(dialogue(agent("shut up"), customer("what")), EN, EN_PHRASES)

    abuse = next(fatal for fatal in score.fatals if fatal.item == "X3")
    assert (abuse.suspected, abuse.confirmed) == (Answer.NOT_MET, None)
    assert abuse.evidence[0].text == "shut up"
    assert score.final == score.raw


def test_a_fatal_item_is_suspected_only_when_nothing_of_what_is_required_was_said() -> None:
    def suspicion(*lines: tuple[str, str]) -> Answer:
        score = score_call(dialogue(*lines), EN, EN_PHRASES)  # type: ignore[arg-type]
        return next(fatal for fatal in score.fatals if fatal.item == "X1").suspected

    detail = agent("your balance is ten pounds")
    assert suspicion(agent("hello"), detail) is Answer.NOT_MET
    assert suspicion(agent("what is your date of birth"), detail) is Answer.CANNOT_TELL
    assert suspicion(agent("hello")) is Answer.MET


def test_a_complaint_is_refused_only_by_words_that_refuse() -> None:
    def suspicion(answer: str) -> Answer:
        score = score_call(dialogue(customer("i want to make a complaint"), agent(answer)), EN, EN_PHRASES)
        return next(fatal for fatal in score.fatals if fatal.item == "X6").suspected

    assert suspicion("that is not my problem") is Answer.NOT_MET
    assert suspicion("i see what else") is Answer.CANNOT_TELL


def test_an_item_without_an_occasion_does_not_apply() -> None:
    score = score_call(GOOD, ZH, ZH_PHRASES)

    assert mark(score, "C3").answer is Answer.NOT_APPLICABLE
    assert mark(score, "C3").evidence[0].reason == "no_trigger"


def test_a_customer_who_hung_up_first_spares_the_closing() -> None:
    call = dialogue(agent("您好"), customer("算了"), language="zh-CN", tail=9)
    facts = CallFacts(fields={"customer_hung_up_first": "yes"})

    assert mark(score_call(call, ZH, ZH_PHRASES), "A2").answer is Answer.NOT_MET
    assert mark(score_call(call, ZH, ZH_PHRASES, facts=facts), "A2").answer is Answer.NOT_APPLICABLE


def test_without_a_phrase_set_everything_is_left_to_people() -> None:
    score = score_call(GOOD, ZH, None)

    assert {mark.answer for mark in score.marks} == {Answer.CANNOT_TELL}
    assert (score.raw, score.cannot_tell_weight, auto_items_score(ZH, score)) == (None, 100, None)


def test_every_reason_that_rules_give_has_a_sentence_that_its_values_fill() -> None:
    rude = dialogue(agent("your balance is ten pounds shut up"), customer("i am furious"), agent("hang on", 60.0))
    for call, card, phrases in ((GOOD, ZH, ZH_PHRASES), (rude, EN, EN_PHRASES), (dialogue(), EN, EN_PHRASES)):
        score = score_call(call, card, phrases)
        for evidence in [e for m in score.marks for e in m.evidence] + [e for f in score.fatals for e in f.evidence]:
            assert REASONS[evidence.reason] % evidence.values


# Arithmetic that must hold for any answers.


def _answers(card: Scorecard) -> st.SearchStrategy[dict[str, GivenAnswer]]:
    entries = {}
    for _, item in card.items():
        plain = st.sampled_from([Answer.MET, Answer.NOT_MET, Answer.NOT_APPLICABLE, Answer.CANNOT_TELL])
        choices = [plain.map(GivenAnswer)]
        if card.method == "deduct":
            some = st.lists(st.sampled_from(sorted(item.deduct)), min_size=1, max_size=3).map(tuple)
            choices.append(some.map(lambda names: GivenAnswer(Answer.PARTLY, names)))
        else:
            choices.append(st.just(GivenAnswer(Answer.PARTLY)))
        entries[item.id] = st.one_of(choices)
    for fatal in card.fatal:
        entries[fatal.id] = st.sampled_from([Answer.MET, Answer.NOT_MET]).map(GivenAnswer)
    for bonus in card.bonus:
        entries[bonus.id] = st.sampled_from([Answer.MET, Answer.NOT_APPLICABLE]).map(GivenAnswer)
    return st.fixed_dictionaries({}, optional=entries)


@given(st.one_of(_answers(ZH).map(lambda a: (ZH, a)), _answers(EN).map(lambda a: (EN, a))))
@settings(max_examples=60)
def test_any_answers_give_a_sound_score(given_answers: tuple[Scorecard, dict[str, GivenAnswer]]) -> None:
    card, answers = given_answers

    score = score_answers(card, answers)

    answered = [mark for mark in score.marks if mark.answer in ANSWERED and mark.possible]
    if answered:
        assert sum(mark.possible for mark in answered) == pytest.approx(100, abs=0.01)
        assert sum(section.possible for section in score.sections) == pytest.approx(100, abs=0.01)
    assert score.answered_weight + score.cannot_tell_weight + score.not_applicable_weight == pytest.approx(100)
    assert (score.raw is None) == (not score.complete)
    if score.raw is not None:
        assert score.final is not None
        assert 0 <= score.final <= score.raw <= 100


@given(st.data())
@settings(max_examples=60)
def test_one_more_deduction_never_raises_the_score(data: st.DataObject) -> None:
    answers = full(ZH) | data.draw(_answers(ZH))
    deducted = [name for name, answer in answers.items() if answer.deductions]
    items = {item.id: item for _, item in ZH.items()}
    target = data.draw(st.sampled_from(deducted or ["A1"]))
    more = data.draw(st.sampled_from(sorted(items[target].deduct)))
    before = answers | {target: GivenAnswer(Answer.PARTLY, answers[target].deductions or ("缺一要素",))}

    first = score_answers(ZH, before)
    second = score_answers(ZH, before | {target: GivenAnswer(Answer.PARTLY, (*before[target].deductions, more))})

    if first.raw is not None:
        assert second.raw is not None
        assert second.raw <= first.raw + 1e-3
