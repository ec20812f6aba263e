"""The compiled loops from words to units, and from units to sounds.

Import this module only inside the functions that need it, as scoring.kernels.
"""

from __future__ import annotations

import numpy as np

from scoring.compiled import compiled
from scoring.reading import ALONE, BEGUN, ENDED, NEAR
from scoring.sounds import BREAK
from scoring.word_kinds import DIGIT_SHIFT

UNIT = 4096  # a cost of 1 in kernels.align
_HEARD, _BROKEN = np.float32(0.45 * UNIT), int(3 * UNIT) << 2  # costs of a symbol only heard, and of a break
_LEAST_WEIGHT = np.float32(0.5)
_HUNDREDS, _THOUSANDS = 3, 4  # digits of a number


@compiled
def tied_words(read, sizes, flags, cuts):  # type: ignore[no-untyped-def]
    """Return runs of words, each in one turn, that may mean something else together: the first, the last + 1.

    `read` are numbers of words, for which `sizes` and `flags` hold their units and flags (scoring.reading); `cuts` are
    where turns begin, and the number of all words.
    """
    found = np.empty((read.shape[0], 2), np.int32)
    count = 0
    turn = 0
    before = -1  # the last word that has units
    done = 0
    for word in range(read.shape[0]):
        while cuts[turn + 1] <= word:
            turn += 1
        own = flags[read[word]]
        if sizes[read[word]] == 0:
            continue
        together = before >= cuts[turn] and flags[read[before]] & BEGUN and own & ENDED
        for at in ((before if together else -1), (word if own & ALONE else -1)):
            if at < done:
                continue
            first = at
            last = at + 1
            while first > cuts[turn] and flags[read[first - 1]] & NEAR:
                first -= 1
            while last < cuts[turn + 1] and flags[read[last]] & NEAR:
                last += 1
            found[count, 0] = first
            found[count, 1] = last
            count += 1
            done = last
        before = word
    return found[:count]


@compiled
def lay_out(read, groups, sizes, begins, flat, origins, cuts):  # type: ignore[no-untyped-def]
    """Return the units of words one after the other, and the word of each; where each turn begins among them.

    `groups` are words that are read as one: the first, the last + 1, and the number of what they are read as. Then the
    numbers of all words with these in the place of theirs, and the first word of each.
    """
    parts = np.empty(read.shape[0], np.int64)
    firsts = np.empty(read.shape[0], np.int32)
    count = 0
    total = 0
    group = 0
    word = 0
    while word < read.shape[0]:
        firsts[count] = word
        if group < groups.shape[0] and groups[group, 0] == word:
            parts[count] = groups[group, 2]
            word = groups[group, 1]
            group += 1
        else:
            parts[count] = read[word]
            word += 1
        total += sizes[parts[count]]
        count += 1
    ids = np.empty(total, np.int32)
    homes = np.empty(total, np.int32)
    turns = np.empty(cuts.shape[0], np.int64)
    at = 0
    turn = 0
    for part in range(count):
        while cuts[turn] <= firsts[part]:
            turns[turn] = at
            turn += 1
        for place in range(begins[parts[part]], begins[parts[part]] + sizes[parts[part]]):
            ids[at] = flat[place]
            homes[at] = firsts[part] + origins[place]
            at += 1
    turns[turn:] = at
    return ids, homes, turns, parts[:count], firsts[:count]


@compiled
def say_numbers(ids, flags, forms):  # type: ignore[no-untyped-def]
    """Return Chinese units with the digits of short numbers as they are spoken: 38 is san-shi ba, 200 er-bai.

    `forms` (10, 4) holds the number of the unit for each digit with 十, 百 and 千 after it; the last column is for a
    nought that is not spoken. Any other number is read digit by digit.
    """
    spoken = ids.copy()
    unit = 0
    while unit < ids.shape[0]:
        end = unit
        while end < ids.shape[0] and flags[ids[end]] >> DIGIT_SHIFT:
            end += 1
        size = end - unit
        if 2 <= size <= _THOUSANDS and flags[ids[unit]] >> DIGIT_SHIFT > 1:
            round_number = True
            for place in range(unit + 1, end):
                round_number = round_number and flags[ids[place]] >> DIGIT_SHIFT == 1
            if size < _HUNDREDS or round_number:
                spoken[unit] = forms[(flags[ids[unit]] >> DIGIT_SHIFT) - 1, size - 2]
                for place in range(unit + 1, end):
                    if flags[ids[place]] >> DIGIT_SHIFT == 1:
                        spoken[place] = forms[0, 3]
        unit = max(end, unit + 1)
    return spoken


@compiled
def spell(ids, offsets, flat, weights, coarse, broken):  # type: ignore[no-untyped-def]
    """Return the symbols of units and the unit of each, where each unit begins, and of each symbol its coarse class and
    what it costs when only heard (kernels.align). `broken` are the units that have a break before them.
    """
    total = broken.shape[0]
    for unit in range(ids.shape[0]):
        total += offsets[ids[unit] + 1] - offsets[ids[unit]]
    symbols = np.empty(total, np.int16)
    homes = np.empty(total, np.int32)
    classes = np.empty(total, np.uint8)
    costs = np.empty(total, np.int32)
    starts = np.empty(ids.shape[0] + 1, np.int32)
    at = 0
    next_break = 0
    for unit in range(ids.shape[0]):
        if next_break < broken.shape[0] and broken[next_break] == unit:
            symbols[at] = BREAK
            homes[at] = unit
            classes[at] = coarse[BREAK]
            costs[at] = _BROKEN
            at += 1
            next_break += 1
        starts[unit] = at
        cost = np.int32(_HEARD * max(weights[ids[unit]], _LEAST_WEIGHT)) << 2
        for place in range(offsets[ids[unit]], offsets[ids[unit] + 1]):
            symbols[at] = flat[place]
            homes[at] = unit
            classes[at] = coarse[flat[place]]
            costs[at] = cost
            at += 1
    starts[ids.shape[0]] = at
    return symbols, homes, starts, classes, costs
