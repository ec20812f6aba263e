"""The monthly check of inspectors' own work."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("reviewer_checks", __name__, url_prefix="/reviewer-checks")
