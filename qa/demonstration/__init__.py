"""A demonstration of two invented hotlines: synthetic speech, synthetic transcripts, people who do not exist."""

from qa.demonstration.people import PASSWORD, logins, organisation_names

ORGANISATION_NAMES = organisation_names()
LOGINS = tuple((login.login, login.role.value) for login in logins())

__all__ = ["LOGINS", "ORGANISATION_NAMES", "PASSWORD"]
