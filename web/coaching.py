"""Coaching: goals that agent and coach agree on, and whether they were reached."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("coaching", __name__, url_prefix="/coaching")
