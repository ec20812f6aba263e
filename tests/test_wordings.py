from scoring.phrase_set import load_phrase_set
from scoring.shipped import shipped
from scoring.wordings import openings, script_wordings


def test_an_opening_is_what_must_be_said_in_the_first_seconds() -> None:
    english = openings(load_phrase_set(shipped("phrases-en-bank")))
    chinese = openings(load_phrase_set(shipped("phrases-zh-mobile")))

    assert {"good morning", "my name is", "how can i help"} <= set(english)
    assert "goodbye" not in english
    assert {"您好", "请问有什么可以帮您"} <= set(chinese)


def test_patterns_and_slots_are_not_words_to_expect() -> None:
    wordings = script_wordings(load_phrase_set(shipped("phrases-zh-mobile")))

    assert "让您久等了" in wordings
    assert not [wording for wording in wordings if "{" in wording]
    assert len(wordings) == len(set(wordings))


def test_values_that_are_looked_up_are_not_words_to_expect() -> None:
    wordings = script_wordings(load_phrase_set(shipped("phrases-zh-mobile")))
    wordings += script_wordings(load_phrase_set(shipped("phrases-en-bank")))

    assert not [wording for wording in wordings if "_" in wording]
