"""Logins, passwords and staff numbers."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agent, Role, Team, User
from qa.settings import is_mail_address

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD_LENGTH = 10


class PersonError(ValueError):
    """A login that cannot be made or changed; the message says why."""


def staff_number(text: str) -> str:
    """Return a staff number in the one form that is kept: as typed, but for blanks around it and full-width digits.

    >>> staff_number(" ０７２８")
    '0728'
    """
    return unicodedata.normalize("NFKC", text).strip()


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()  # argon2id with the parameters of RFC 9106's low-memory profile


def hash_password(password: str) -> str:
    """Return the argon2id hash of `password`.

    Raises:
        PersonError: it is shorter than MIN_PASSWORD_LENGTH characters.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise PersonError(f"A password needs at least {MIN_PASSWORD_LENGTH} characters.")
    return _hasher().hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Return whether `password` is the one behind `password_hash`."""
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    try:
        return _hasher().verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def create_user(
    session: Session,
    login: str,
    password: str,
    role: Role,
    *,
    name: str | None = None,
    agent: Agent | None = None,
    team: Team | None = None,
    locale: str | None = None,
    email: str | None = None,
) -> User:
    """Add a login to the caller's transaction.

    Raises:
        PersonError: the login is taken or empty, the password too short, an agent's login names no agent, or `email`
            is no mail address.
    """
    login = login.strip().casefold()
    if not login:
        raise PersonError("A login cannot be empty.")
    if session.scalar(select(User.id).where(User.login == login)):
        raise PersonError(f"The login {login} is taken.")
    if role is Role.AGENT and agent is None:
        raise PersonError("A login with the role agent needs the staff number of its agent.")
    user = User(
        login=login,
        name=name or login,
        password_hash=hash_password(password),
        role=role,
        agent=agent,
        team=team,
        locale=locale,
        email=checked_email(email),
    )
    session.add(user)
    session.flush()
    return user


def checked_email(text: str | None) -> str | None:
    """Return a mail address without blanks around it; None for none.

    Raises:
        PersonError: it is no mail address.
    """
    address = (text or "").strip()
    if address and not is_mail_address(address):
        raise PersonError(f"{address!r} is not a mail address.")
    return address or None
