"""The versions of the scheme that agents' scores are weighed by, and which one is in force for a period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import PublishedPeriod, Role, SchemeVersion, User
from qa import audit
from qa.periods import Period
from qa.refusals import N_, Refused
from scoring.agent_score import Scheme, load_scheme
from scoring.shipped import shipped

ALWAYS = date(1970, 1, 1)  # the shipped scheme is in force until another takes over


@cache
def default_scheme() -> Scheme:
    """Return the shipped scheme."""
    return load_scheme(shipped("indicators"))


def scheme_for(session: Session, period: Period) -> Scheme:
    """Return the scheme in force for `period`: the latest that is valid on its first day, else the shipped one."""
    stored = session.scalar(
        select(SchemeVersion)
        .where(SchemeVersion.valid_from <= period.first_day)
        .order_by(SchemeVersion.valid_from.desc(), SchemeVersion.version.desc(), SchemeVersion.id.desc())
        .limit(1)
    )
    return default_scheme() if stored is None else scheme_of(stored)


def scheme_of(stored: SchemeVersion) -> Scheme:
    """Return the scheme behind a stored version."""
    return Scheme.model_validate(stored.definition)


def scheme_versions(session: Session) -> Sequence[SchemeVersion]:
    """Return all stored versions, the latest in force first."""
    return session.scalars(
        select(SchemeVersion)
        .options(joinedload(SchemeVersion.created_by))
        .order_by(SchemeVersion.valid_from.desc(), SchemeVersion.version.desc(), SchemeVersion.id.desc())
    ).all()


def store_scheme(
    session: Session,
    scheme: Scheme,
    *,
    valid_from: date,
    reason: str,
    by: User,
    address: str | None = None,
) -> SchemeVersion:
    """Store a new version, in force for the periods that begin on `valid_from` or later.

    Raises:
        Refused: not a lead; no reason; the version is stored already; or a period that it would govern is published.
    """
    if by.role is not Role.LEAD:
        raise Refused(N_("Only QA leads change how scores are weighed."))
    if not reason.strip():
        raise Refused(N_("Say why the scheme changes: the reason is kept with it."), field="reason")
    published = session.scalars(select(PublishedPeriod.label)).all()
    for label in sorted(published):
        if Period.parse(label).first_day >= valid_from:
            raise Refused(
                N_("%(period)s is published already; a new scheme can begin after it at the earliest."),
                field="valid_from",
                period=label,
            )
    if _stored(session, scheme) is not None:
        raise Refused(
            N_("Version %(version)s of %(key)s is stored already; give the changed scheme a new version number."),
            key=scheme.id,
            version=scheme.version,
        )
    stored = _add(session, scheme, valid_from, reason.strip(), by)
    audit.record(
        session,
        "scheme.stored",
        user_id=by.id,
        subject=("scheme", stored.id),
        address=address,
        version=scheme.version,
        valid_from=valid_from.isoformat(),
    )
    return stored


def keep_scheme(session: Session, scheme: Scheme) -> SchemeVersion:
    """Return the stored version of a scheme in use; the shipped one is stored when it is first needed.

    Raises:
        Refused: another content is stored under its version.
    """
    stored = _stored(session, scheme)
    if stored is None:
        return _add(session, scheme, ALWAYS, None, None)
    if stored.definition != scheme.model_dump(mode="json"):
        raise Refused(
            N_("Version %(version)s of %(key)s is stored with other content."), key=scheme.id, version=scheme.version
        )
    return stored


def _stored(session: Session, scheme: Scheme) -> SchemeVersion | None:
    return session.scalar(
        select(SchemeVersion).where(SchemeVersion.key == scheme.id, SchemeVersion.version == scheme.version)
    )


def _add(session: Session, scheme: Scheme, valid_from: date, reason: str | None, by: User | None) -> SchemeVersion:
    stored = SchemeVersion(
        key=scheme.id,
        version=scheme.version,
        definition=scheme.model_dump(mode="json"),
        valid_from=valid_from,
        reason=reason,
        created_by=by,
    )
    session.add(stored)
    session.flush()
    return stored
