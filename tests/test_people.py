import pytest
from sqlalchemy.orm import Session

from models import Role
from qa.people import PersonError, create_user, hash_password, verify_password
from tests.factories import make_agent


def test_a_password_is_kept_as_an_argon2id_hash() -> None:
    kept = hash_password("correct horse battery")

    assert kept.startswith("$argon2id$")
    assert verify_password(kept, "correct horse battery")
    assert not verify_password(kept, "correct horse")
    assert not verify_password("not a hash", "correct horse battery")


@pytest.mark.parametrize(
    ("login", "password", "role", "says"),
    [
        ("", "correct horse battery", Role.LEAD, "empty"),
        ("Wang", "correct horse battery", Role.LEAD, "taken"),
        ("li", "short", Role.LEAD, "at least 10"),
        ("li", "correct horse battery", Role.AGENT, "staff number"),
    ],
)
def test_a_login_that_cannot_be_made_says_why(
    session: Session, login: str, password: str, role: Role, says: str
) -> None:
    create_user(session, "wang", "correct horse battery", Role.LEAD)

    with pytest.raises(PersonError, match=says):
        create_user(session, login, password, role)


def test_an_agents_login_names_its_agent(session: Session) -> None:
    agent = make_agent(session)

    user = create_user(session, " Chen ", "correct horse battery", Role.AGENT, agent=agent)

    assert (user.login, user.agent) == ("chen", agent)
