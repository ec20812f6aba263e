"""Appeals: an agent objects to an item, and who decides it."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("appeals", __name__, url_prefix="/appeals")
