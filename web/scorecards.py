"""The scorecard editor: drafts, versions, activation."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("scorecards", __name__, url_prefix="/scorecards")
