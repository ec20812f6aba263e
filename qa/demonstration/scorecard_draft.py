"""The demonstration's open draft: the next version of the Chinese scorecard, with one thing left to mend."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Role, User
from qa.criteria import active_scorecard
from qa.scorecard_drafts import begin_from_version, save
from scoring.scorecard_draft import Content, acted, changed, items_of

GUIDANCE = {
    "met": "资费、生效时间、期限和退订方式都说对，客户不用再打一次。",
    "not_met": "说错任何一处，或让客户得到与规定不符的答复。",
    "not_applicable": "客户没有咨询业务内容。",
}
UNDERSTANDING = [
    {"name": "一次听懂", "share": 1},
    {"name": "追问后听懂", "share": 0.6},
    {"name": "没有听懂", "share": 0},
]
CAUSES = ["业务不熟", "没有认真听", "知识库内容有误", "系统查不到"]


def store_scorecard_draft(session: Session) -> None:
    """Begin a draft as a lead would: guidance, a choice, root causes, and weights that do not add up yet."""
    version = active_scorecard(session, "zh-CN")
    lead = session.scalar(select(User).where(User.role == Role.LEAD).order_by(User.id).limit(1))
    if version is None or lead is None:
        return
    draft = begin_from_version(session, lead, version)
    content = _edited(draft.definition)
    save(session, draft, content, revision=draft.revision, by=lead, phrase_set=draft.phrase_set)


def _edited(content: Content) -> Content:
    places = {item["id"]: ("sections", s, "items", i) for s, i, item in items_of(content)}
    content = changed(content, places["D1"], {"guidance": GUIDANCE, "causes": CAUSES})
    content = changed(
        content,
        places["C2"],
        {
            "type": "choice",
            "decide": "human",
            "options": UNDERSTANDING,
            "causes": CAUSES[:2],
            **dict.fromkeys(("deduct", "when", "deductions")),
        },
    )
    content = changed(content, places["A1"], {"weight": 3})
    return acted(content, places["B4"], "up")[0]
