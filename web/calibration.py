"""Calibration sessions: several people review the same calls, and how far they agree."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("calibration", __name__, url_prefix="/calibration")
