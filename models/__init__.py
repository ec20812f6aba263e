"""The tables, their constraints, and the small questions that a row can answer about itself."""

from models.appeals import Acknowledgement, Appeal, AppealState, AppealStep, Reexamination
from models.audit import AuditEvent
from models.base import Base
from models.calibration import (
    CalibrationCall,
    CalibrationParticipant,
    CalibrationSession,
    ReviewerCheck,
    ReviewerCheckEntry,
)
from models.calls import Call, CallState, IngestFailure, StoredTranscript
from models.coaching import CaseClip, CoachingRecord, CoachingState
from models.criteria import PhraseSetVersion, ScorecardDraft, ScorecardVersion
from models.notifications import Notification
from models.outside import (
    Complaint,
    ComplaintOutcome,
    NonVoiceChannel,
    NonVoiceReview,
    Praise,
    Responsibility,
    SurveyKind,
    SurveyRating,
)
from models.people import Agent, LoginFailure, Role, Team, User
from models.published import PublishedPeriod, PublishedScore, SchemeVersion, ScoreAdjustment, ScoreSubject
from models.review_work import CallComment, CommentKind, TranscriptCorrection
from models.rules import RuleComparison, StoredRuleCase
from models.sampling import Draw, ReviewAssignment, RiskModel, SampledCall, SamplingPlan
from models.scores import AutoMark, AutoScore, Review, ReviewMark, ReviewReason, ReviewState, TestCall
from models.test_plans import TestAssignment, TestPlan, TestScenario

__all__ = [
    "Acknowledgement",
    "Agent",
    "Appeal",
    "AppealState",
    "AppealStep",
    "AuditEvent",
    "AutoMark",
    "AutoScore",
    "Base",
    "CalibrationCall",
    "CalibrationParticipant",
    "CalibrationSession",
    "Call",
    "CallComment",
    "CallState",
    "CaseClip",
    "CoachingRecord",
    "CoachingState",
    "CommentKind",
    "Complaint",
    "ComplaintOutcome",
    "Draw",
    "IngestFailure",
    "LoginFailure",
    "NonVoiceChannel",
    "NonVoiceReview",
    "Notification",
    "PhraseSetVersion",
    "Praise",
    "PublishedPeriod",
    "PublishedScore",
    "Reexamination",
    "Responsibility",
    "Review",
    "ReviewAssignment",
    "ReviewMark",
    "ReviewReason",
    "ReviewState",
    "ReviewerCheck",
    "ReviewerCheckEntry",
    "RiskModel",
    "Role",
    "RuleComparison",
    "SampledCall",
    "SamplingPlan",
    "SchemeVersion",
    "ScoreAdjustment",
    "ScoreSubject",
    "ScorecardDraft",
    "ScorecardVersion",
    "StoredRuleCase",
    "StoredTranscript",
    "SurveyKind",
    "SurveyRating",
    "Team",
    "TestAssignment",
    "TestCall",
    "TestPlan",
    "TestScenario",
    "TranscriptCorrection",
    "User",
]  # fmt: skip
