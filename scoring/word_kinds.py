"""Words by what they do in a sentence: those that carry little of its meaning, and those that deny it."""

from __future__ import annotations

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
