"""Criteria pages: the scorecards that calls are judged by, with every rule and wording behind them."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import Role, ScorecardVersion
from qa.criteria import card_of, phrases_of
from web.access import allow
from web.criteria_words import CHECKS, CLASSES, DECIDERS, EFFECTS, METHODS, rule_view
from web.db import session
from web.scorecard_words import advice_details, item_details

bp = Blueprint("criteria", __name__, url_prefix="/criteria")

READERS = (Role.AGENT, Role.INSPECTOR, Role.SUPERVISOR, Role.LEAD, Role.ADMIN)


@bp.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """List every version of every scorecard, those in use first."""
    versions = session.scalars(
        select(ScorecardVersion)
        .options(joinedload(ScorecardVersion.phrase_set))
        .order_by(ScorecardVersion.active.desc(), ScorecardVersion.key, ScorecardVersion.version.desc())
    ).all()
    cards = [(version, card_of(version)) for version in versions]
    return render_template("criteria/index.html", cards=cards, methods=METHODS)


@bp.get("/<int:version_id>")
@allow(*READERS)
def show(version_id: int) -> ResponseReturnValue:
    """Show one scorecard: its items and weights, and what each rule listens for."""
    version = session.get(ScorecardVersion, version_id) or abort(404)
    phrases = phrases_of(version)
    return render_template(
        "criteria/show.html",
        version=version,
        card=card_of(version),
        phrases=phrases,
        rules=[rule_view(rule) for rule in phrases.rules()] if phrases else [],
        checks=CHECKS,
        deciders=DECIDERS,
        classes=CLASSES,
        effects=EFFECTS,
        methods=METHODS,
        item_details=item_details,
        advice_details=advice_details,
    )
