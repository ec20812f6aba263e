"""What the rules of the shipped phrase sets say about written-down calls."""

from __future__ import annotations

import pytest

from scoring.facts import CallFacts, Event
from scoring.marks import Answer
from scoring.outcome import RuleOutcome
from scoring.phrase_set import PhraseSet, load_phrase_set
from scoring.rules import check_rules
from scoring.shipped import shipped
from tests.dialogues import Line, agent, customer, dialogue, unknown
from transcription.transcript import Transcript

BANK = CallFacts(organisation_names=("Lakeside Bank",))
OPENING = "good morning lakeside bank my name is jo how can i help"


def zh(*lines: Line, **how: object) -> Transcript:
    return dialogue(*lines, language="zh-CN", **how)  # type: ignore[arg-type]


def parts(outcome: RuleOutcome) -> dict[str, str]:
    return {str(f.part or f.kind): f.verdict.value for f in outcome.findings}


def reasons(outcome: RuleOutcome) -> set[str]:
    return {finding.evidence.reason for finding in outcome.findings}


# Openings: windows on word times, lateness, what makes an absence doubtful.


def test_a_whole_opening_is_met_with_evidence_for_each_part(english: PhraseSet) -> None:
    outcome = check_rules(dialogue(agent(OPENING), customer("hi")), english, facts=BANK)["EN-OPEN"]

    assert parts(outcome) == {"greeting": "met", "bank": "met", "name": "met", "offer": "met"}
    evidence = outcome.findings[1].evidence
    assert (evidence.text, evidence.turn, evidence.rule_version) == ("lakeside bank", 0, "en-bank-hotline/1")
    assert evidence.start == pytest.approx(0.76)


def test_an_absent_part_keeps_its_nearest_miss_and_what_was_searched(english: PhraseSet) -> None:
    call = dialogue(agent("yes who is this how can i held you"), customer("hi i lost my card"))
    outcome = check_rules(call, english, facts=BANK)["EN-OPEN"]

    missing = next(f for f in outcome.findings if f.part == "bank")
    assert missing.verdict is Answer.NOT_MET
    assert missing.evidence.reason == "not_said"
    assert missing.evidence.probability is not None
    assert missing.evidence.wording == "{BANK}" or missing.evidence.wording == "Lakeside Bank"
    assert missing.evidence.values["words"] == 9
    assert missing.evidence.values["to"] == 15.0


def test_the_window_runs_from_the_agents_first_word_and_is_measured_on_words(chinese: PhraseSet) -> None:
    late = "嗯" * 3 + "今天系统有一点慢您先别着急我这边正在打开页面马上就好了工号八零二三很高兴为您服务"
    on_time = check_rules(zh(agent("您好工号八零二三很高兴为您服务", 20.0)), chinese)["ZH-OPEN"]
    too_late = check_rules(zh(agent("您好" + late, 20.0), pace=0.4), chinese)["ZH-OPEN"]

    assert parts(on_time) == {"问候": "met", "工号": "met", "询问": "met"}
    assert parts(too_late) == {"问候": "met", "工号": "not_met", "询问": "not_met"}
    assert reasons(too_late) == {"said", "said_late"}


def test_a_turn_without_word_times_that_began_in_time_cannot_be_late(chinese: PhraseSet) -> None:
    text = "您好" + "请稍等一下系统有一点慢" * 4 + "工号八零二三很高兴为您服务"
    outcome = check_rules(zh(agent(text), word_times=False), chinese)["ZH-OPEN"]

    assert parts(outcome)["工号"] == "cannot_tell"
    assert "time_uncertain" in reasons(outcome)


def test_low_confidence_makes_an_absence_doubtful_but_not_a_presence(english: PhraseSet) -> None:
    call = dialogue(agent("good morning how can i help"), customer("hi"), confidence=0.3)
    outcome = check_rules(call, english, facts=BANK)["EN-OPEN"]

    assert parts(outcome) == {"greeting": "met", "bank": "cannot_tell", "name": "cannot_tell", "offer": "met"}
    assert "low_confidence" in reasons(outcome)


def test_without_configured_names_the_bank_cannot_be_told(english: PhraseSet) -> None:
    outcome = check_rules(dialogue(agent(OPENING)), english)["EN-OPEN"]

    assert parts(outcome)["bank"] == "cannot_tell"
    assert "names_missing" in reasons(outcome)


def test_with_unknown_speakers_absence_is_never_held_against_the_agent(english: PhraseSet) -> None:
    call = dialogue(unknown("good morning how can i help"), unknown("i want to complain this is ridiculous"))
    outcomes = check_rules(call, english, facts=BANK)

    assert parts(outcomes["EN-OPEN"])["offer"] == "met"
    not_met = [f for o in outcomes.values() for f in o.findings if f.verdict is Answer.NOT_MET and f.kind != "trigger"]
    assert not_met == []
    assert outcomes["EN-COMPLAINT"].verdict is Answer.CANNOT_TELL


def test_a_transcript_without_times_never_fails_a_window_in_seconds(chinese: PhraseSet) -> None:
    call = zh(agent("你好请讲"), customer("我要开通那个套餐"), agent("开通好了"), customer("好"), timed=False)
    outcomes = check_rules(call, chinese)

    assert parts(outcomes["ZH-OPEN"]) == {"问候": "met", "工号": "cannot_tell", "询问": "cannot_tell"}
    assert outcomes["ZH-FEE"].verdict is Answer.CANNOT_TELL


def test_an_opening_on_the_customers_side_stops_every_verdict_on_a_side(english: PhraseSet) -> None:
    call = dialogue(customer(OPENING), agent("you idiots are you stupid my card does not work"), customer("calm down"))
    outcomes = check_rules(call, english, facts=BANK)

    assert outcomes["EN-ABUSE"].verdict is Answer.CANNOT_TELL
    assert reasons(outcomes["EN-OPEN"]) == {"sides_may_be_swapped"}


def test_a_hello_on_the_agents_side_is_no_opening_when_the_sides_may_be_swapped(chinese: PhraseSet) -> None:
    call = zh(
        customer("您好很高兴为您服务请问有什么可以帮您"), agent("你好你有病你有完没完"), customer("您的余额是五十元")
    )
    outcomes = check_rules(call, chinese)

    assert outcomes["ZH-FATAL-ABUSE"].verdict is Answer.CANNOT_TELL
    assert outcomes["ZH-OPEN"].verdict is Answer.CANNOT_TELL


def test_a_caller_who_says_hello_my_name_is_does_not_look_like_an_agent(english: PhraseSet) -> None:
    call = dialogue(agent("yes what"), customer("hello my name is mary smith i lost my card"), agent("right"))

    assert check_rules(call, english, facts=BANK)["EN-OPEN"].verdict is Answer.NOT_MET


def test_a_fact_of_the_call_or_the_site_makes_a_rule_not_apply(english: PhraseSet, chinese: PhraseSet) -> None:
    told = CallFacts(fields={"ivr_recording_notice": "yes"})
    number_announced = CallFacts(fields={"staff_number_announced": "yes"})

    assert check_rules(dialogue(agent(OPENING)), english, facts=told)["EN-REC"].verdict is Answer.NOT_APPLICABLE
    assert check_rules(dialogue(agent(OPENING)), english)["EN-REC"].verdict is Answer.NOT_MET
    opening = check_rules(zh(agent("您好很高兴为您服务")), chinese, facts=number_announced)["ZH-OPEN"]
    assert parts(opening) == {"问候": "met", "工号": "not_applicable", "询问": "met"}


# Closings: the last turns, order, who hung up.


def test_a_closing_in_order_is_met(chinese: PhraseSet) -> None:
    call = zh(
        agent("请问还有其他可以帮您的吗"),
        customer("没有了"),
        agent("请您稍后为本次服务打分感谢您的来电再见"),
    )
    outcomes = check_rules(call, chinese)

    assert {outcomes[rule].verdict for rule in ("ZH-MORE", "ZH-RATE", "ZH-BYE")} == {Answer.MET}


def test_a_closing_in_the_wrong_order_is_found_by_time(chinese: PhraseSet) -> None:
    call = zh(
        agent("请您稍后为本次服务打分"),
        customer("好"),
        agent("请问还有其他可以帮您的吗"),
        customer("没有"),
        agent("再见"),
    )
    outcome = check_rules(call, chinese)["ZH-RATE"]

    assert parts(outcome) == {"邀评": "met", "order": "not_met"}


def test_a_missing_goodbye_counts_only_when_the_agent_had_the_time_for_it(english: PhraseSet) -> None:
    lines = (agent("is there anything else"), customer("no that is all"))

    assert check_rules(dialogue(*lines), english)["EN-BYE"].verdict is Answer.CANNOT_TELL
    assert check_rules(dialogue(*lines, tail=8.0), english)["EN-BYE"].verdict is Answer.NOT_MET
    hung_up = CallFacts(fields={"hangup_by": "agent"})
    assert check_rules(dialogue(*lines), english, facts=hung_up)["EN-BYE"].verdict is Answer.NOT_MET


# Conditional rules.


def test_identity_must_be_checked_before_the_first_account_detail(english: PhraseSet) -> None:
    checked = dialogue(
        agent("let me take you through security what is your date of birth"),
        customer("third of may"),
        agent("thanks for confirming those details your balance is ten pounds"),
    )
    after = dialogue(agent("your balance is ten pounds"), agent("now let me take you through security", 20.0))

    assert check_rules(checked, english)["EN-IDV"].verdict is Answer.MET
    assert parts(check_rules(after, english)["EN-IDV"]) == {"ask": "not_met", "pass": "not_met"}
    no_detail = check_rules(dialogue(agent("hello")), english)["EN-IDV"]
    assert (no_detail.verdict, reasons(no_detail)) == (Answer.NOT_APPLICABLE, {"anchor_absent"})


def test_empathy_within_two_turns_of_any_complaint_is_enough(chinese: PhraseSet) -> None:
    upset = (customer("怎么回事乱扣费"), agent("我看一下"), customer("什么态度"), agent("实在不好意思"))

    assert check_rules(zh(*upset), chinese)["ZH-EMPATHY"].verdict is Answer.MET
    cold = (customer("怎么回事乱扣费"), agent("我看一下"), customer("嗯"), agent("扣了五块钱"), customer("哦"))
    assert check_rules(zh(*cold), chinese)["ZH-EMPATHY"].verdict is Answer.NOT_MET


def test_an_agent_without_a_turn_afterwards_is_not_blamed(chinese: PhraseSet) -> None:
    outcome = check_rules(zh(agent("您好"), customer("气死我了")), chinese)["ZH-EMPATHY"]

    assert (outcome.verdict, reasons(outcome)) == (Answer.CANNOT_TELL, {"no_turn_after"})


def test_a_hold_known_from_the_telephone_system_needs_asking_reply_and_thanks(english: PhraseSet) -> None:
    call = dialogue(
        agent("may i put you on hold while i check that", 5.0),
        customer("sure", 9.5),
        agent("thank you for holding", 40.0),
    )
    facts = CallFacts(events=(Event("hold_start", 11.0), Event("hold_end", 39.5)))
    outcomes = check_rules(call, english, facts=facts)

    assert parts(outcomes["EN-HOLD-ASK"]) == {"ask": "met", "why": "met", "reply": "met"}
    assert outcomes["EN-HOLD-BACK"].verdict is Answer.MET
    late = CallFacts(events=(Event("hold_start", 11.0), Event("hold_end", 25.0)))
    assert check_rules(call, english, facts=late)["EN-HOLD-BACK"].verdict is Answer.NOT_MET


def test_without_telephone_events_a_hold_is_not_invented(english: PhraseSet) -> None:
    brisk = dialogue(agent("one moment"), customer("yes"))
    silent = dialogue(agent("one moment"), agent("so your card is on its way", 40.0))
    polite = dialogue(
        agent("may i put you on hold while i check that", 5.0),
        customer("sure", 9.5),
        agent("thank you for holding", 40.0),
    )

    assert reasons(check_rules(brisk, english)["EN-HOLD-ASK"]) == {"no_long_silence"}
    assert reasons(check_rules(silent, english)["EN-HOLD-ASK"]) == {"hold_unknown"}
    assert check_rules(polite, english)["EN-HOLD-ASK"].verdict is Answer.MET


def test_a_transfer_is_unknown_unless_the_agent_closed_the_call(english: PhraseSet) -> None:
    closed = check_rules(dialogue(agent("thank you for calling goodbye")), english)["EN-TRANSFER"]
    open_end = check_rules(dialogue(agent("right")), english)["EN-TRANSFER"]
    blind = check_rules(dialogue(agent("right")), english, facts=CallFacts(events=(Event("transfer", 3.0),)))

    assert closed.verdict is Answer.NOT_APPLICABLE
    assert (open_end.verdict, reasons(open_end)) == (Answer.CANNOT_TELL, {"fact_missing"})
    assert blind["EN-TRANSFER"].verdict is Answer.NOT_MET


def test_consent_must_come_after_the_fee_and_before_the_deed(chinese: PhraseSet) -> None:
    right = zh(
        customer("我想换套餐"),
        agent("每月三十八元立即生效可以随时退订"),
        customer("好的办吧"),
        agent("已经为您办理"),
    )
    early = zh(
        customer("我想换套餐行办吧"),
        agent("每月三十八元立即生效可以随时退订已经为您办理"),
        customer("哦"),
    )

    # What the customer asks for at first sounds like 开通吧, but is no answer to a fee that was not yet told.
    none = zh(
        customer("我想开通流量包"),
        agent("每月三十八元立即生效可以随时退订"),
        agent("已经为您办理"),
    )
    own_words = zh(
        customer("我想开通流量包"),
        agent("每月三十八元立即生效可以随时退订好的同意开通吧已经为您办理"),
    )

    assert check_rules(right, chinese)["ZH-CONSENT"].verdict is Answer.MET
    assert parts(check_rules(early, chinese)["ZH-CONSENT"])["order"] == "not_met"
    assert parts(check_rules(none, chinese)["ZH-CONSENT"]) == {"同意": "not_met"}
    assert parts(check_rules(own_words, chinese)["ZH-CONSENT"]) == {"同意": "not_met"}


def test_a_number_that_the_customer_gave_must_be_read_back(chinese: PhraseSet) -> None:
    def echo(answer: str) -> RuleOutcome:
        call = zh(customer("我的号码是幺三八零零一二三四五六"), agent(answer))
        return check_rules(call, chinese)["ZH-ECHO"]

    assert echo("好的一三八零零一二三四五六对吗").verdict is Answer.MET
    assert echo("尾号三四五六是吧").verdict is Answer.MET
    assert echo("尾号三四五七是吧").verdict is Answer.CANNOT_TELL
    assert echo("好的").verdict is Answer.NOT_MET
    no_number = check_rules(zh(customer("你们号码太多了"), agent("好的")), chinese)["ZH-ECHO"]
    assert no_number.verdict is Answer.NOT_APPLICABLE


def test_a_ticket_is_looked_up_in_the_calls_fields(chinese: PhraseSet) -> None:
    def ticket(**fields: str) -> Answer:
        return check_rules(zh(agent("您好")), chinese, facts=CallFacts(fields=fields))["ZH-TICKET"].verdict

    assert ticket() is Answer.CANNOT_TELL
    assert ticket(ticket_type="投诉", ticket_summary="乱扣费") is Answer.MET
    assert ticket(ticket_type="投诉", ticket_summary="") is Answer.NOT_MET


def test_the_opening_of_a_short_call_is_no_closing(english: PhraseSet, chinese: PhraseSet) -> None:
    short = zh(agent("您好请问有什么可以帮您"), customer("话费多少"), agent("三十元感谢您的来电再见"), tail=9)
    english_call = dialogue(agent("thank you for calling how can i help"), customer("my card"), agent("ok bye"), tail=9)
    one_turn = zh(agent("您好请问有什么可以帮您三十元请问还有什么可以帮您再见"), tail=9)

    assert parts(check_rules(short, chinese)["ZH-MORE"]) == {"再询问": "not_met"}
    assert parts(check_rules(english_call, english)["EN-BYE"])["thanks"] == "not_met"
    assert parts(check_rules(one_turn, chinese)["ZH-MORE"]) == {"再询问": "met"}


# Forbidden words.


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("不知道我这样解释您清楚了吗", "met"),
        ("您不清楚的地方可以再问我", "met"),
        ("请等一下", "met"),
        ("请您等一下", "met"),
        ("麻烦您稍等一下", "met"),
        ("还有什么不清楚的吗", "met"),
        ("有哪里不清楚您可以再来电", "met"),
        ("如果您不知道密码可以重置", "met"),
        ("您等一下", "not_met"),
        ("为什么这样我也不清楚", "not_met"),
        ("请等一下这个我不知道", "not_met"),  # an allowed word excuses no other
        ("我不知道您还有哪里不清楚吗", "not_met"),
        ("等一下", "not_met"),
        ("我不知道", "not_met"),
        ("喂喂喂", "not_met"),
        ("喂您好", "met"),
    ],
)
def test_forbidden_words_inside_approved_sentences_do_not_fire(chinese: PhraseSet, said: str, verdict: str) -> None:
    assert check_rules(zh(agent(said)), chinese)["ZH-FORB-MINOR"].verdict.value == verdict


@pytest.mark.parametrize("name", ["phrases-en-bank", "phrases-zh-mobile"])
def test_no_wording_that_an_agent_should_say_is_forbidden(name: str) -> None:
    phrases = load_phrase_set(shipped(name))
    wanted = [
        (rule.id, wording)
        for rule in (*phrases.required, *phrases.conditional)
        if rule.role == "agent"
        for wordings in rule.parts.values()
        for wording in wordings
        if "{" not in wording
    ]

    assert len(wanted) > 40
    for rule, wording in wanted:
        outcomes = check_rules(dialogue(agent(wording), customer("好"), language=phrases.language), phrases)
        fired = [one.id for one in phrases.forbidden if outcomes[one.id].verdict is not Answer.MET]
        assert (rule, wording, fired) == (rule, wording, [])


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("you should have it by friday", "met"),
        ("you should have received a letter", "met"),
        ("you should have told me that", "not_met"),
    ],
)
def test_a_promise_of_delivery_is_no_reproach(english: PhraseSet, said: str, verdict: str) -> None:
    assert check_rules(dialogue(agent(said)), english)["EN-FORB-MAJOR"].verdict.value == verdict


def test_please_press_the_key_is_no_lure(chinese: PhraseSet) -> None:
    assert check_rules(zh(agent("麻烦您帮我按一下井号键")), chinese)["ZH-RATE-LURE"].verdict is Answer.MET
    assert check_rules(zh(agent("待会儿请帮我按一")), chinese)["ZH-RATE-LURE"].verdict is Answer.NOT_MET


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("what is your full password", "not_met"),
        ("we will never ask you for it so never share it what is your password", "met"),
        ("give me two characters of your passcode", "met"),
        ("read me the one time code", "not_met"),
        ("what are the three digits on the back", "not_met"),
    ],
)
def test_asking_for_a_secret_is_found_by_pattern(english: PhraseSet, said: str, verdict: str) -> None:
    assert check_rules(dialogue(agent(said)), english)["EN-NEVER-ASK"].verdict.value == verdict


def test_the_customers_words_never_count_against_the_agent(english: PhraseSet, chinese: PhraseSet) -> None:
    rude = dialogue(agent(OPENING), customer("shut up are you stupid you have to do it this is bullshit"))
    grob = zh(agent("您好工号八零二三"), customer("你有病滚我要投诉你听不懂人话"))

    for outcomes, rules in (
        (check_rules(rude, english), ("EN-ABUSE", "EN-FORB-MAJOR", "EN-FORB-MINOR")),
        (check_rules(grob, chinese), ("ZH-FATAL-ABUSE", "ZH-FORB-MAJOR", "ZH-FORB-MINOR")),
    ):
        assert {outcomes[rule].verdict for rule in rules} == {Answer.MET}


def test_a_word_list_is_read_from_the_phrase_set(english: PhraseSet) -> None:
    outcome = check_rules(dialogue(agent("what the fuck do you want")), english)["EN-ABUSE"]

    assert outcome.verdict is Answer.NOT_MET
    assert outcome.needs_person


def test_a_grave_word_of_one_character_must_stand_alone(chinese: PhraseSet) -> None:
    assert check_rules(zh(agent("页面可以滚动")), chinese)["ZH-FATAL-ABUSE"].verdict is Answer.MET
    alone = zh(agent("你给我听着。"), agent("滚", 10.0))
    assert check_rules(alone, chinese)["ZH-FATAL-ABUSE"].verdict is Answer.NOT_MET


def test_exceptions_that_only_a_person_can_judge_ask_for_one(chinese: PhraseSet) -> None:
    outcome = check_rules(zh(agent("这个不归我们管")), chinese)["ZH-FORB-MAJOR"]

    assert outcome.verdict is Answer.NOT_MET
    assert outcome.needs_person
    assert outcome.findings[0].part == "推诿"


def test_silence_about_forbidden_words_means_nothing_when_nothing_was_recognised(english: PhraseSet) -> None:
    assert check_rules(dialogue(customer("hello")), english)["EN-ABUSE"].verdict is Answer.CANNOT_TELL
    mumbled = dialogue(agent("mumble mumble"), confidence=0.2)
    assert check_rules(mumbled, english)["EN-ABUSE"].verdict is Answer.CANNOT_TELL


# Anything may come.


def test_an_empty_call_gets_an_answer_from_every_rule(english: PhraseSet, chinese: PhraseSet) -> None:
    for phrases, language in ((english, "en"), (chinese, "zh-CN")):
        outcomes = check_rules(dialogue(language=language), phrases)

        assert set(outcomes) == set(phrases.rule_ids())
        failed = [o.rule for o in outcomes.values() if o.verdict is Answer.NOT_MET and o.findings[0].kind != "trigger"]
        assert failed == []


def test_a_slow_pattern_makes_its_rule_unanswerable_and_stops_nothing_else() -> None:
    phrases = load_phrase_set(
        "phrase_set:\n  id: x\n  version: 1\n  language: en\n  forbidden:\n"
        "    - {id: SLOW, role: agent, severity: minor, any: ['(?:a+)+(?:a|b)+(?:a+)+c$']}\n"
        "    - {id: FINE, role: agent, severity: minor, any: [no idea]}\n"
    )
    outcomes = check_rules(dialogue(agent("no idea " + "a" * 5000)), phrases)

    assert outcomes["SLOW"].findings[0].evidence.reason in ("pattern_too_slow", "nothing_forbidden")
    assert outcomes["FINE"].verdict is Answer.NOT_MET
