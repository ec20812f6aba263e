"""Expressions of checks: how they are read, and Kleene's logic."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.expressions import (
    DEEPEST,
    LONGEST,
    And,
    Expression,
    ExpressionError,
    Name,
    Not,
    Or,
    conjunction,
    disjunction,
    evaluate,
    names,
    negation,
    parse,
)  # fmt: skip

THREE = (True, False, None)
VALUES = st.sampled_from(THREE)
NAMES = st.sampled_from(["a", "b", "c", "客户同意", "EN-OPEN", "x_1"])


def expressions() -> st.SearchStrategy[Expression]:
    return st.recursive(
        NAMES.map(Name),
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        ),
        max_leaves=8,
    )


def written(expression: Expression) -> str:
    match expression:
        case Name(name):
            return name
        case Not(inner):
            return f"not ({written(inner)})"
        case And(parts):
            return " and ".join(f"({written(part)})" for part in parts)
        case Or(parts):
            return " or ".join(f"({written(part)})" for part in parts)


@given(expressions())
def test_what_is_written_out_is_read_back(expression: Expression) -> None:
    assert parse(written(expression)) == expression


@given(expressions(), st.dictionaries(NAMES, VALUES))
def test_a_name_that_cannot_be_told_changes_nothing_that_is_decided_without_it(
    expression: Expression, known: dict[str, bool | None]
) -> None:
    value = evaluate(expression, known.get)
    for told in ({**known, **dict.fromkeys(open_names(expression, known), one)} for one in (True, False)):
        assert value is None or evaluate(expression, told.get) is value


def open_names(expression: Expression, known: dict[str, bool | None]) -> list[str]:
    return [name for name, _ in names(expression) if known.get(name) is None]


@given(st.lists(VALUES, max_size=5))
def test_de_morgan_holds_in_three_values(values: list[bool | None]) -> None:
    assert negation(conjunction(values)) is disjunction(negation(value) for value in values)
    assert negation(disjunction(values)) is conjunction(negation(value) for value in values)
    assert conjunction(values) is conjunction(reversed(values))


@pytest.mark.parametrize("first", THREE)
@pytest.mark.parametrize("second", THREE)
def test_and_is_the_lesser_and_or_the_greater(first: bool | None, second: bool | None) -> None:
    rank = {False: 0, None: 1, True: 2}

    assert rank[conjunction([first, second])] == min(rank[first], rank[second])
    assert rank[disjunction([first, second])] == max(rank[first], rank[second])
    assert rank[negation(first)] == 2 - rank[first]


def test_and_binds_more_tightly_than_or_and_not_most_of_all() -> None:
    assert parse("a or not b AND c") == Or((Name("a"), And((Not(Name("b")), Name("c")))))


def test_the_polarity_of_a_name_turns_with_every_not() -> None:
    assert list(names(parse("a and not (b or not c)"))) == [("a", True), ("b", False), ("c", True)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("and a", "a name is missing before 'and'"),
        ("a and", "a name is missing at the end"),
        ("(a or b", "not closed"),
        ("a b", "join with and / or"),
        ("a )", "not expected"),
        ("not " * (DEEPEST + 2) + "a", "nested more than"),
        ("(" * 500 + "a" + ")" * 500, "at most"),
        ("a or " * LONGEST + "a", "at most"),
    ],
)
def test_a_broken_expression_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        parse(text)


@given(st.text(alphabet="ab ()andortNOT\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert list(names(parse(text)))
