"""Words by what they do in a sentence: those that carry little of its meaning, and those that deny it."""

from __future__ import annotations

CONTENT, NEGATOR, DIGIT = 1, 2, 4  # flags of a unit
DIGIT_SHIFT = 4  # the flags above hold which digit a Chinese unit begins with, plus one

_FUNCTION_WORDS_LIST = """
    a an the to of for in on at by with and or but so is are was were be been am do does did have has had will
    would can could may might shall should i you he she it we they me my your our his her its us them this that
    there here as if just then now well okay oh yes please today sir madam
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_LIST.split())
NEGATORS_ENGLISH = frozenset(["not", "never", "no", "none", "without", "neither", "nor", "unable"])
NEGATORS_CHINESE = frozenset("不没未无非别莫")
LIGHT_CHINESE = frozenset("的了吗呢吧啊呀哦么嘛是就也都我您你请")

# Units that begin a sentence: a negation before them belongs to the sentence before.
_OPENERS_LIST = """
    i you he she it we they this that there my your our thank thanks please what how when where who which may can could
    would will is are do does have let good hello hi welcome sorry and so okay
"""
OPENERS = frozenset((*_OPENERS_LIST.split(), *"我您你请这那感谢非抱已每祝麻欢先女稍为给在再各如"))

# Words of which one in the place of another makes another sentence: a line is a set, "/" joins the forms of one word.
# Only what scripts of every trade share: times, directions, opposites. No two characters of a set sound alike.
_RIVALS_ENGLISH = """
    monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    morning afternoon evening night/tonight
    today tomorrow yesterday
    seconds minute/minutes hour/hours day/days week/weeks month/months year/years
    first second third fourth fifth sixth seventh eighth ninth tenth
    pound/pounds dollar/dollars euro/euros cent/cents/pence
    before after
    include/includes/included/including exclude/excludes/excluded/excluding
    increase/increases/increased/increasing/raise/raised decrease/decreases/decreased/decreasing/reduce/reduced
    open/opens/opened/opening close/closes/closed/closing
    accept/accepted/approve/approved/allow/allowed reject/rejected/refuse/refused/decline/declined/deny/denied
    activate/activates/activated deactivate/deactivates/deactivated
    enable/enables/enabled disable/disables/disabled
    connect/connects/connected disconnect/disconnects/disconnected
    add/adds/added remove/removes/removed
    start/starts/started/begin/begins/began stop/stops/stopped/end/ends/ended
    buy/buys/bought sell/sells/sold
    credit debit
    above below
    over under
    inside outside
    indoor/indoors outdoor/outdoors
    upstairs downstairs
    upper lower
    front back
    top bottom
    left right
    north south east west
    up down
    on off
    more less/fewer
    most least
    minimum maximum
    early/earlier late/later
    always never sometimes
    everyone/everybody/someone/somebody/anyone/anybody nobody
    everything/something/anything nothing
    able unable
    available unavailable
    possible impossible
    valid invalid
    correct incorrect
    legal illegal
    agree/agrees/agreed disagree/disagrees/disagreed
    conditional unconditional
    single double
    upgrade downgrade
    hot cold
    cheap/cheaper expensive
    mother father
    husband wife
    son daughter
    red blue green yellow white black
"""
_RIVALS_CHINESE = """
    前 后 内 外
    水 电 气 煤
    上 下
    左 右
    东 南 西 北
    大 小
    高 低
    长 短
    快 慢
    新 旧
    早 晚
    开 关
    增 减
    进 出
    男 女
    今 明 昨
    天 周 月 年
"""


MOST_RIVALS = 16  # words of one set


def rivals(chinese: bool) -> dict[str, int]:
    """Return a number for each word that has rivals: the words of a set share all but its last digit to MOST_RIVALS."""
    found: dict[str, int] = {}
    lines = (_RIVALS_CHINESE if chinese else _RIVALS_ENGLISH).strip().splitlines()
    for number, line in enumerate(lines, start=1):
        for member, forms in enumerate(line.split()):
            for word in forms.split("/"):
                assert word not in found, word
                found[word] = number * MOST_RIVALS + member
    return found


RIVALS = {True: rivals(True), False: rivals(False)}  # by "is Chinese"
