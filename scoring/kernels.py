"""The compiled inner loops of the matcher: where a wording may stand in a stream of sounds, and how well it fits there.

Compiled by numba on first use and kept on disk where its cache folder can be written. Import this module only inside
the functions that search: numba takes half a second to load. Symbols are those of scoring.sounds.
"""

from __future__ import annotations

import numpy as np

from scoring.compiled import compiled
from scoring.sounds import CONFIDENCES, GONE
from scoring.unit_kernels import UNIT
from scoring.word_kinds import CONTENT, DIGIT, DIGIT_SHIFT, MOST_RIVALS, NEGATOR

FEATURES = (
    "second", "edge", "inserted_content", "log_length", "one_over_content", "rest_fit", "doubt", "confidence",
    "confidence_known", "side_confidence", "bits", "others_perfect", "denial_added", "denial_missing", "number_alike",
    "number_other", "replaced_trusted", "deleted", "blurred", "replaced_count", "other_trusted", "other_clean",
    "one_other", "sound_share", "told_worst", "told_second", "told", "told_small", "told_denial", "away_worst",
    "added_trusted", "run_clear", "run_length", "clear", "denial_doubted", "pair_clear", "worst_clear", "digit_added",
    "number_cut",
)  # fmt: skip
FEATURE_COUNT = len(FEATURES)
(
    SECOND, EDGE, INSERTED_CONTENT, LOG_LENGTH, ONE_OVER_CONTENT, REST_FIT, DOUBT, CONFIDENCE,
    CONFIDENCE_KNOWN, SIDE_CONFIDENCE, BITS, OTHERS_PERFECT, DENIAL_ADDED, DENIAL_MISSING, NUMBER_ALIKE,
    NUMBER_OTHER, REPLACED_TRUSTED, DELETED, BLURRED, REPLACED_COUNT, OTHER_TRUSTED, OTHER_CLEAN,
    ONE_OTHER, SOUND_SHARE, TOLD_WORST, TOLD_SECOND, TOLD, TOLD_SMALL, TOLD_DENIAL, AWAY_WORST,
    ADDED_TRUSTED, RUN_CLEAR, RUN_LENGTH, CLEARNESS, DENIAL_DOUBTED, PAIR_CLEAR, WORST_CLEAR, DIGIT_ADDED,
    NUMBER_CUT,
) = range(FEATURE_COUNT)  # fmt: skip
CANDIDATES = 3  # places of one wording that are looked at closely
LONGEST = 32  # symbols of a wording that the first pass can hold
LANES = 8  # wordings are looked for this many at a time
BLOCK = 32  # symbols of the stream among which the first pass keeps one best place
_FAR = 1 << 20
_lane = np.uint32
_TOP, _STEP = _lane(26), _lane(BLOCK)  # a carry out of the highest bit, moved to where it counts BLOCK
_LOST = 0.45  # loss from which a word counts as another one
_SAME, _OTHER = 0.08, 0.3  # loss up to which a word is the same, from which it is another
SURE = 0.6  # recogniser confidence from which a negation is taken for one
DENIED = -3.0  # the most that a wording scores which was heard with a negation that it has not
# The most that a wording scores in which a number may be another one, or a doubtful negation was heard: "unsure".
DOUBTED = -0.75
_NUMBER_ALIKE = 0.3  # loss up to which a number may be another one misheard: fifteen and fifty
_ONE_SYMBOL = 1.1  # summed loss up to which a word has lost a single sound: "old" for "hold"
_LONG_NUMBER, _DIGIT_LOSS = 9, 1.2  # symbols of a number of three digits; summed loss by which a digit is another one
_HOPELESS = 0.5  # coarse distance per symbol beyond which no wording was ever said
_SHORT = 12  # symbols up to which every wording is looked at closely
_FAR_SCORE = -6.0
_NO_LIMIT = 99.0
_NEVER = 1 << 28
MAYBE, SURELY = 1, 2  # what `rivalry` found
_ENOUGH = 2.5  # linear score from which no other place is looked at
REPLACED = -2.5  # the most that a short sentence scores in which one word is surely another
_CONFIDENCES = np.array(CONFIDENCES, np.float32)
_GARBLED = 0.03  # probability that a word is heard as anything
_UNLIKE = 1.0  # what a word tells against the wording from which it is taken for another one
_TEMPER = 0.6  # neighbouring sounds are misheard together: their evidence counts less than the sum
_FARTHEST = 12.0
_MOST_DOUBT = 2.0  # low confidence makes a word garbled no more probable than this (natural log)
CLEAR = 0.85  # share of the other words as they should be, from which a negation that is not heard was not said
_DELETE, _GAP_COST = 0.7, 0.01
_SWAP, _DROP, _EXTRA = 0, 1, 2  # moves: a symbol heard as one, a symbol of the wording lost, a symbol heard besides
_GAP_ROOM = 60  # symbols that may fill a gap


@compiled
def locate(stream, masks, ups):  # type: ignore[no-untyped-def]
    """Return for each BLOCK of the stream and each wording the least edit distance and where in the block it ends.

    Myers' bit-parallel approximate matching ("A fast bit-vector algorithm for approximate string matching", 1999), all
    wordings side by side, each in the upper bits of a 32-bit lane; `ups` are its bits set. `stream` holds coarse
    classes, `masks` (class, lane) the places of each class in a wording as bits; the bits below a wording match
    anything, which costs nothing. Shape of the result: (blocks, lanes), values BLOCK * distance + place in the block.
    """
    count = masks.shape[1]
    blocks = (stream.shape[0] + BLOCK - 1) // BLOCK
    best = np.empty((blocks, count), np.int32)
    up = ups.copy()
    down = np.zeros(count, np.uint32)
    score = np.empty(count, np.int32)
    for p in range(count):
        score[p] = 0
        for bit in range(LONGEST):
            score[p] += BLOCK * ((ups[p] >> bit) & 1)
    for number in range(blocks):
        low = best[number]
        low[:] = BLOCK * _FAR
        for place in range(number * BLOCK, min((number + 1) * BLOCK, stream.shape[0])):
            row = masks[stream[place]]
            here = np.int32(place - number * BLOCK)
            for p in range(count):  # the casts keep numba from widening the lanes to 64 bits
                equal = row[p]
                plus = up[p]
                minus = down[p]
                vertical = _lane(equal | minus)
                horizontal = _lane(_lane(_lane(_lane(equal & plus) + plus) ^ plus) | equal)
                rise = _lane(minus | _lane(~_lane(horizontal | plus)))
                fall = _lane(plus & horizontal)
                risen = np.int32(_lane(rise >> _TOP) & _STEP)
                value = np.int32(np.int32(score[p] + risen) - np.int32(_lane(fall >> _TOP) & _STEP))
                score[p] = value
                rise = _lane(rise << _lane(1))
                fall = _lane(fall << _lane(1))
                up[p] = _lane(fall | _lane(~_lane(vertical | rise)))
                down[p] = _lane(rise & vertical)
                low[p] = min(low[p], np.int32(value + here))
    return best


@compiled
def hopeless(least, length):  # type: ignore[no-untyped-def]
    """Return whether a wording of so many symbols was surely not said: its least coarse distance is too great."""
    return least > _HOPELESS * length and length > _SHORT


@compiled
def choose(best, lengths, latest):  # type: ignore[no-untyped-def]
    """Return up to CANDIDATES places per wording, the best first: (wordings, CANDIDATES) ends, -1 for none.

    Then the distance at each of them, and the least of each wording. A place is worth a close look when its distance
    is near the best one's; of equals the first comes first, with `latest` the last. A hopeless wording has one place.
    """
    blocks = best.shape[0]
    count = lengths.shape[0]
    ends = np.full((count, CANDIDATES), -1, np.int32)
    distances = np.zeros((count, CANDIDATES), np.int32)
    lowest = np.full(count, _FAR, np.int32)
    for number in range(blocks):
        for p in range(count):
            lowest[p] = min(lowest[p], best[number, p] // BLOCK)
    close = np.empty(blocks, np.int32)  # blocks with a place worth a look
    for p in range(count):
        least = lowest[p]
        limit = max(least, min(least + 1 + lengths[p] // 10, lengths[p] * 40 // 100))
        wanted = 1 if hopeless(least, lengths[p]) else CANDIDATES
        found = 0
        many = 0
        for step in range(blocks):
            number = blocks - 1 - step if latest else step
            if best[number, p] < (limit + 1) * BLOCK:
                close[many] = number
                many += 1
        for distance in range(least, limit + 1):
            for step in range(many):
                number = close[step]
                if best[number, p] // BLOCK != distance:
                    continue
                end = number * BLOCK + best[number, p] % BLOCK
                near = False
                for other in range(found):
                    near = near or abs(ends[p, other] - end) <= lengths[p] // 2
                if not near:
                    ends[p, found] = end
                    distances[p, found] = distance
                    found += 1
                if found == wanted:
                    break
            if found == wanted:
                break
    return ends, distances, lowest


@compiled
def align(pattern, weights, stream, heard_costs, low, high, end, reach, gaps, cost, lines, moves, places):  # type: ignore[no-untyped-def]
    """Align a wording's symbols inside the symbols `low` to `high` of a stream, both ends free.

    `gaps` marks symbols after which anything may be heard. It is known to end near the symbol `end`; places more than
    `reach` symbols off the diagonal are not tried. Fills `places` with the place that each symbol of the wording is
    heard at (-1: not heard). `lines` (2, columns) and `moves` (rows, columns: SWAP, DROP, EXTRA) are room to work in.
    Costs are whole numbers, UNIT for a symbol's whole weight, with the move in their lowest bits: so the least of
    three needs no branch, and of equals a swap comes first.
    """
    rows = pattern.shape[0]
    columns = high - low
    previous = lines[0]
    current = lines[1]
    previous[: columns + 1] = 0
    shift = end + 1 - low - rows  # column of the diagonal in row 0
    one = np.uintp(1)
    for i in range(1, rows + 1):
        weight = weights[i - 1] * np.float32(UNIT)
        drop = np.int32(_DELETE * weight) << 2 | _DROP
        left = max(1, i + shift - reach)
        right = min(columns, i + shift + reach)
        current[left - 1] = _NEVER
        if left == 1:
            current[0] = previous[0] + (drop & ~3)
            moves[i, 0] = _DROP
        row = cost[pattern[i - 1]]
        line = moves[i]
        most_extra = _NEVER if i == rows else np.int32(_GAP_COST * UNIT) << 2 if gaps[i - 1] > 0 else 0
        before = np.int64(current[left - 1])
        for j in range(np.uintp(left), np.uintp(max(left, right + 1))):  # unsigned: no check for indexes below 0
            heard = np.uintp(low) + j - one
            swap = previous[j - one] + (np.int64(weight * row[stream[heard]]) << 2)
            extra = most_extra if most_extra > 0 else np.int64(heard_costs[heard])
            least = min(min(swap, previous[j] + drop), before + extra + _EXTRA)
            line[j] = least & 3
            before = least & ~3
            current[j] = before
        if right < columns:
            current[right + 1] = _NEVER
        previous, current = current, previous
    left = max(0, rows + shift - reach)
    right = min(columns, rows + shift + reach)
    at = left
    for column in range(left, right + 1):
        if previous[column] < previous[at]:
            at = column
    places[:rows] = -1
    i = rows
    while i > 0:
        move = moves[i, at]
        if move == _SWAP and at > 0:
            places[i - 1] = low + at - 1
            i -= 1
            at -= 1
        elif move == _EXTRA and at > 0:
            at -= 1
        else:
            i -= 1


@compiled
def wrongness(confidence, wrong):  # type: ignore[no-untyped-def]
    """Return log P(wrong | confidence) / P(wrong), between the places of sounds.CONFIDENCES; 0 without a confidence."""
    if not confidence == confidence:  # noqa: SIM201
        return np.float32(0.0)
    last = _CONFIDENCES.shape[0] - 1
    if confidence <= _CONFIDENCES[0]:
        return wrong[0]
    for at in range(last):
        if confidence <= _CONFIDENCES[at + 1]:
            share = (confidence - _CONFIDENCES[at]) / (_CONFIDENCES[at + 1] - _CONFIDENCES[at])
            return wrong[at] + share * (wrong[at + 1] - wrong[at])
    return wrong[last]  # the one after it is P(wrong)


@compiled
def right(suspicion, wrong):  # type: ignore[no-untyped-def]
    """Return P(right | confidence), given what `wrongness` says of the confidence."""
    return max(np.float32(0.0), 1 - wrong[wrong.shape[0] - 1] * np.exp(suspicion))


# What was heard for each unit of a wording, or for each unit heard, as `place_units` finds it: rows of `room`.
_MATCHED, _OWNER = 0, 1  # of a heard unit: how many of its symbols fit, and the wording's unit that it is heard as
_FIRST, _LAST = 2, 3  # of a wording's unit: the first and last unit heard as it, -1 for none
_SIZE = 4  # of a wording's unit: its symbols
_BEFORE, _AFTER = (
    5,
    6,
)  # of a wording's unit: the nearest units heard as others before it (else -1), after it (else span)
ROOM = 7


@compiled
def place_units(places, pattern, weights, units, unit_ids, stream, homes, starts, ids, cost, first, span, room, losses):  # type: ignore[no-untyped-def]
    """Fill `room`, and `losses` of each unit of the wording (0 as said .. 1 another word).

    Returns the bits of evidence that the sounds are.
    """
    count = unit_ids.shape[0]
    matched, owner, first_heard, last_heard, size = room[_MATCHED], room[_OWNER], room[_FIRST], room[_LAST], room[_SIZE]
    matched[:span] = 0
    owner[:span] = -1
    first_heard[:count] = -1
    last_heard[:count] = -1
    size[:count] = 0
    losses[:count] = 0.0
    bits = np.float32(0.0)
    for i in range(pattern.shape[0]):
        unit = units[i]
        size[unit] += 1
        if places[i] < 0:
            losses[unit] += 1.0
            bits -= 1.5 * weights[i]
            continue
        price = cost[pattern[i], stream[places[i]]]
        losses[unit] += price
        bits += (3.5 - 7.0 * price) * weights[i]
        home = homes[places[i]] - first
        matched[home] += 1
        owner[home] = unit
        if first_heard[unit] < 0:
            first_heard[unit] = home
        last_heard[unit] = home
    for home in range(span):
        left = starts[first + home + 1] - starts[first + home] - matched[home]
        if owner[home] >= 0 and left > 0:
            losses[owner[home]] += 0.5 * left
            bits -= 1.0 * left
    before = -1
    for unit in range(count):
        room[_BEFORE, unit] = before
        if last_heard[unit] >= 0:
            before = last_heard[unit]
        losses[unit] = min(np.float32(1.0), losses[unit] / np.float32(max(size[unit], 1)))
        alone = first_heard[unit] >= 0 and first_heard[unit] == last_heard[unit]
        if alone and ids[first + first_heard[unit]] == unit_ids[unit]:
            losses[unit] = 0.0
    after = span
    for unit in range(count - 1, -1, -1):
        room[_AFTER, unit] = after
        if first_heard[unit] >= 0:
            after = first_heard[unit]
    return bits


@compiled
def least_sure(confidences, low, high, unknown):  # type: ignore[no-untyped-def]
    """Return the least confidence of the units `low` to `high`, both included; `unknown` when none is known."""
    trust = np.float32(np.inf)
    for here in range(low, high + 1):
        confidence = confidences[here]
        if confidence == confidence:
            trust = min(trust, confidence)
    return trust if trust <= 1 else np.float32(unknown)


@compiled
def tell(places, pattern, units, stream, starts, evidence, first, span, room, count, told, full):  # type: ignore[no-untyped-def]
    """Fill the log-likelihood ratio of each unit by what was heard for it, and what it were if heard as spoken."""
    matched, owner = room[_MATCHED], room[_OWNER]
    told[:count] = 0.0
    full[:count] = 0.0
    for i in range(pattern.shape[0]):
        unit = units[i]
        symbol = pattern[i]
        full[unit] += evidence[symbol, symbol]
        told[unit] += evidence[symbol, stream[places[i]]] if places[i] >= 0 else evidence[symbol, GONE]
    for home in range(span):
        unit = owner[home]
        if unit >= 0:
            left = starts[first + home + 1] - starts[first + home] - matched[home]
            told[unit] += left * evidence[GONE, 0]


@compiled
def clear_shares(against, unit_flags, unit_weights, run_first, run_last, worst_unit):  # type: ignore[no-untyped-def]
    """Return how much of the wording is as it should be, 0 to 1: outside the run that tells most against it, and
    without the worst unit alone; then how many units of the run carry meaning."""
    clear = np.float32(0.0)
    weight = np.float32(0.0)
    alone = np.float32(0.0)
    alone_weight = np.float32(0.0)
    length = np.float32(0.0)
    for unit in range(unit_flags.shape[0]):
        same = unit_weights[unit] * max(np.float32(0.0), 1 - min(np.float32(1.0), -against[unit] / np.float32(_UNLIKE)))
        if unit < run_first or unit > run_last or run_first < 0:
            weight += unit_weights[unit]
            clear += same
        elif unit_flags[unit] & CONTENT:
            length += 1
        if unit != worst_unit:
            alone_weight += unit_weights[unit]
            alone += same
    if weight > 0:
        clear /= weight
    if alone_weight > 0:
        alone /= alone_weight
    return clear, alone, length


@compiled
def prove(  # type: ignore[no-untyped-def]
    places, pattern, units, unit_flags, unit_weights, stream, starts, ids, flags, confidences,
    evidence, wrong, first, span, room, losses, features, proofs
):  # fmt: skip
    """Fill the features that learned confusions give.

    What was heard for a word may be the word misheard sound by sound, or, with the probability _GARBLED, anything.
    So a garbled word costs a bounded amount; more where the recogniser trusts what it heard instead.
    """
    count = unit_flags.shape[0]
    owner = room[_OWNER]
    told = proofs[0]
    against = proofs[1]  # what each unit tells against the wording; before that, `told` were it heard as spoken
    tell(places, pattern, units, stream, starts, evidence, first, span, room, count, told, against)
    sound = np.float32(0.0)
    sound_full = np.float32(0.0)
    worst = np.float32(0.0)
    second = np.float32(0.0)
    total = np.float32(0.0)
    small = np.float32(0.0)
    pair = np.float32(0.0)
    denial = np.float32(0.0)
    away_worst = np.float32(0.0)
    contents = 0
    before = np.float32(0.0)
    run = np.float32(0.0)  # the run of words that tells most against the wording
    run_first = -1
    run_last = -1
    this = np.float32(0.0)
    this_first = -1
    worst_unit = -1
    for unit in range(count):
        full = against[unit]
        exact = losses[unit] == 0.0
        if exact:
            told[unit] = full
        sound += unit_weights[unit] * told[unit]
        sound_full += unit_weights[unit] * full
        said = np.float32(0.0)
        far = np.float32(0.0)
        if not exact:
            low = room[_FIRST, unit]
            high = room[_LAST, unit]
            if low < 0:  # what stands where it should be, else the words beside that place
                low = room[_BEFORE, unit]
                high = room[_AFTER, unit]
                if high - low > 1:
                    low += 1
                    high -= 1
            trust = least_sure(confidences, first + max(low, 0), first + min(high, span - 1), np.nan)
            suspicion = wrongness(trust, wrong)
            doubt = min(np.float32(_MOST_DOUBT), suspicion)
            clear = np.exp(min(told[unit] * np.float32(_TEMPER), np.float32(6.0)))
            said = min(np.float32(0.0), np.float32(np.log((1 - _GARBLED) * clear + _GARBLED)) + doubt)
            far = min(np.float32(_FARTHEST), full - told[unit]) * right(suspicion, wrong)
        if unit_flags[unit] & NEGATOR:
            denial = min(denial, said)
        against[unit] = said
        if not unit_flags[unit] & CONTENT:
            small += said
            continue
        if said < -_UNLIKE:
            if this_first < 0:
                this_first = unit
            this += said
            if this < run:
                run = this
                run_first = this_first
                run_last = unit
        else:
            this = np.float32(0.0)
            this_first = -1
        contents += 1
        total += said
        if said < worst:
            worst_unit = unit
            second = worst
            worst = said
        elif said < second:
            second = said
        if contents > 1:
            pair = min(pair, max(before, said))
        before = said
        away_worst = max(away_worst, far)
    added = np.float32(0.0)
    for home in range(span):
        if owner[home] < 0 and flags[ids[first + home]] & CONTENT:
            added += right(wrongness(confidences[first + home], wrong), wrong)
    clear, alone, run_length = clear_shares(against, unit_flags, unit_weights, run_first, run_last, worst_unit)
    features[SOUND_SHARE] = sound / sound_full if sound_full > 0 else 0.0
    features[TOLD_WORST] = worst
    features[TOLD_SECOND] = second
    features[TOLD] = total
    features[TOLD_SMALL] = small
    features[TOLD_DENIAL] = denial
    features[AWAY_WORST] = away_worst
    features[ADDED_TRUSTED] = added
    features[RUN_CLEAR] = run * clear * clear
    features[RUN_LENGTH] = run_length / np.float32(max(contents, 1))
    features[CLEARNESS] = clear
    features[PAIR_CLEAR] = pair * clear * clear
    features[WORST_CLEAR] = worst * alone * alone


@compiled
def deny(unit_flags, ids, flags, confidences, first, span, room, losses, features):  # type: ignore[no-untyped-def]
    """Fill the features of negations: heard and not in the wording (maybe doubtful), in the wording and not heard."""
    owner = room[_OWNER]
    for unit in range(unit_flags.shape[0]):
        if unit_flags[unit] & NEGATOR and losses[unit] >= _LOST:
            features[DENIAL_MISSING] += 1
    for home in range(span):
        here = first + home
        if not flags[ids[here]] & NEGATOR:
            continue
        if owner[home] >= 0 and (unit_flags[owner[home]] & NEGATOR or losses[owner[home]] < 0.2):
            continue
        if here > 0 and here + 1 < ids.shape[0] and ids[here - 1] == ids[here + 1]:
            continue  # a question: 能不能
        confidence = confidences[here]
        if confidence != confidence or confidence >= SURE:
            features[DENIAL_ADDED] += 1
        else:
            features[DENIAL_DOUBTED] += 1


@compiled
def count_numbers(unit_ids, unit_flags, starts, ids, flags, confidences, first, span, room, losses, features):  # type: ignore[no-untyped-def]
    """Fill the features of numbers: another one heard, one that may be it misheard, and digits that it has not."""
    owner, first_heard, last_heard, size = room[_OWNER], room[_FIRST], room[_LAST], room[_SIZE]
    for unit in range(unit_flags.shape[0]):
        if not unit_flags[unit] & DIGIT or (first_heard[unit] >= 0 and losses[unit] <= 0.01):
            continue
        if first_heard[unit] < 0:
            here = beside(unit, first, span, room, starts, ids, flags, unit_ids, unit_flags)
            if here >= 0:  # the number is not heard, but another one where it should be
                features[NUMBER_ALIKE if confidences[here] < SURE else NUMBER_OTHER] = 1.0
            for other in (unit - 1, unit + 1):  # 五 for 十五: of a number only some digits
                if 0 <= other < unit_flags.shape[0] and unit_flags[other] & DIGIT and first_heard[other] >= 0:
                    features[NUMBER_CUT] = 1.0 if size[unit] > 0 else features[NUMBER_CUT]
            continue
        for home in range(first_heard[unit], last_heard[unit] + 1):
            here = first + home
            heard_digit = flags[ids[here]] >> DIGIT_SHIFT
            if heard_digit and heard_digit == unit_flags[unit] >> DIGIT_SHIFT:
                continue  # 6 and 60, by which 六, 一 and 六十一 are read alike
            if flags[ids[here]] & DIGIT:
                # Of a number of many digits it takes only one to make another one.
                alike = losses[unit] < _NUMBER_ALIKE and (
                    size[unit] < _LONG_NUMBER or losses[unit] * size[unit] < _DIGIT_LOSS
                )
                features[NUMBER_ALIKE if alike or confidences[here] < SURE else NUMBER_OTHER] = 1.0
    for home in range(span):
        here = first + home
        if owner[home] >= 0 or not flags[ids[here]] & DIGIT or starts[here] == starts[here + 1]:
            continue
        for other in (home - 1, home + 1):
            if (
                0 <= other < span
                and owner[other] >= 0
                and flags[ids[first + other]] & DIGIT
                and unit_flags[owner[other]] & DIGIT
            ):
                features[DIGIT_ADDED] = 1.0


@compiled
def beside(unit, first, span, room, starts, ids, flags, unit_ids, unit_flags):  # type: ignore[no-untyped-def]
    """Return the heard unit that is another number where a number of the wording was not heard; -1 for none.

    It stands next to what is heard of the wording's units beside it, or is a part of their number: 4513 for 4512.
    """
    for side in range(2):
        neighbour = unit - 1 if side == 0 else unit + 1
        if neighbour < 0 or neighbour >= unit_ids.shape[0] or room[_FIRST, neighbour] < 0:
            continue
        home = room[_LAST, neighbour] if side == 0 else room[_FIRST, neighbour]
        here = first + home
        whole = room[_MATCHED, home] == starts[here + 1] - starts[here]
        if not whole and unit_flags[neighbour] & DIGIT and flags[ids[here]] & DIGIT:
            return here
        home += 1 if side == 0 else -1
        here = first + home
        if here < 0 or here >= ids.shape[0] or (0 <= home < span and room[_OWNER, home] >= 0):
            continue
        known = flags[ids[here]] >> DIGIT_SHIFT
        same = ids[here] == unit_ids[unit] or (known and known == unit_flags[unit] >> DIGIT_SHIFT)
        if flags[ids[here]] & DIGIT and not same:
            return here
    return -1


@compiled
def compare_words(unit_flags, unit_weights, confidences, first, span, room, losses, features):  # type: ignore[no-untyped-def]
    """Fill the features of words that carry meaning: misheard, replaced by others, or not heard at all."""
    count = unit_flags.shape[0]
    owner = room[_OWNER]
    contents = 0
    for unit in range(count):
        contents += unit_flags[unit] & CONTENT
    rest_weight = np.float32(0.0)
    rest_loss = np.float32(0.0)
    clear = 0
    lost_symbols = np.float32(0.0)
    worst = np.float32(0.0)
    worst_unit = -1
    second = np.float32(0.0)
    seen = 0
    for unit in range(count):
        one = losses[unit]
        rest_weight += unit_weights[unit]
        rest_loss += unit_weights[unit] * one
        clear += one == 0.0
        lost_symbols = max(lost_symbols, one * room[_SIZE, unit])
        if not unit_flags[unit] & CONTENT:
            continue
        seen += 1
        if one >= worst:
            second = worst
            worst = one
            worst_unit = unit
        elif one > second:
            second = one
        if one == 0.0:
            continue
        if one >= _LOST and (seen == 1 or seen == contents):
            features[EDGE] += 1
        # How far the recogniser trusts what it heard here: the least sure of the words here and beside them.
        there = room[_FIRST, unit] >= 0
        low = room[_BEFORE, unit]
        high = room[_AFTER, unit]
        inner_low = room[_FIRST, unit] if there else low
        inner_high = room[_LAST, unit] if there else high
        trust = least_sure(confidences, first + max(inner_low, 0), first + min(inner_high, span - 1), 1.0)
        features[DOUBT] += one * (1 - trust)
        wide = np.float32(1.0)
        for home in range(max(0, low + (0 if there else 1)), min(span, high + (1 if there else 0))):
            if not there and owner[home] < 0:
                there = True
            confidence = confidences[first + home]
            if there and confidence == confidence and confidence < wide:
                wide = confidence
        unlike = min(np.float32(1.0), max(np.float32(0.0), one - np.float32(_SAME)) / np.float32(_OTHER - _SAME))
        features[OTHER_CLEAN] = max(features[OTHER_CLEAN], unlike)
        features[OTHER_TRUSTED] = max(features[OTHER_TRUSTED], unlike * wide)
        if one < _LOST:
            features[BLURRED] += one
        elif there:
            features[REPLACED_COUNT] += 1
            features[REPLACED_TRUSTED] = max(features[REPLACED_TRUSTED], one * wide)
        else:
            features[DELETED] += 1
    some = np.float32(max(contents, 1))
    if worst_unit >= 0:
        rest_weight -= unit_weights[worst_unit]
        rest_loss -= unit_weights[worst_unit] * losses[worst_unit]
    elif contents == 0:
        for unit in range(count):
            worst = max(worst, losses[unit])
    rest = 1 - rest_loss / rest_weight if rest_weight > 0 else np.float32(1.0)
    mostly = max(np.float32(0.0), rest - np.float32(0.8)) * 5
    features[SECOND] = second
    features[ONE_OVER_CONTENT] = 1 / some
    features[REST_FIT] = rest
    features[DOUBT] /= some
    features[OTHERS_PERFECT] = mostly * worst
    features[DELETED] /= some
    features[BLURRED] /= some
    features[OTHER_CLEAN] *= mostly
    # A short sentence heard word for word but for the one word that makes it this sentence.
    only = contents <= 2 and clear >= 3 and clear == count - 1
    if only and features[OTHER_TRUSTED] >= SURE and lost_symbols > _ONE_SYMBOL:
        features[ONE_OTHER] = 1.0
    return some


@compiled
def extra_words(gaps, gapped, units, ids, flags, first, span, room):  # type: ignore[no-untyped-def]
    """Return how many words that carry meaning are heard inside the wording without being of it or filling a gap."""
    extra = 0
    in_gap = False
    for home in range(span):
        owner = room[_OWNER, home]
        if owner >= 0:
            in_gap = False
            if gapped:
                for i in range(units.shape[0]):
                    in_gap = in_gap or (gaps[i] > 0 and units[i] == owner)
        elif not in_gap and flags[ids[first + home]] & CONTENT:
            extra += 1
    return extra


@compiled
def measure(  # type: ignore[no-untyped-def]
    places, pattern, weights, gaps, gapped, units, unit_ids, unit_flags, unit_weights,
    stream, homes, starts, ids, flags, confidences, side_confidence, cost, evidence, wrong,
    features, losses, room, proofs
):  # fmt: skip
    """Fill `features`, `room` and `losses` for one alignment.

    Returns the first and last + 1 heard unit; (-1, -1) when nothing of the wording was heard.
    """
    rows = pattern.shape[0]
    features[:] = 0.0
    first = -1
    last = -1
    for i in range(rows):
        if places[i] >= 0:
            if first < 0:
                first = homes[places[i]]
            last = homes[places[i]]
    if first < 0:
        return -1, -1
    span = last + 1 - first
    bits = place_units(
        places, pattern, weights, units, unit_ids, stream, homes, starts, ids, cost, first, span, room, losses
    )
    contents = compare_words(unit_flags, unit_weights, confidences, first, span, room, losses, features)
    deny(unit_flags, ids, flags, confidences, first, span, room, losses, features)
    count_numbers(unit_ids, unit_flags, starts, ids, flags, confidences, first, span, room, losses, features)
    prove(
        places, pattern, units, unit_flags, unit_weights, stream, starts, ids, flags, confidences,
        evidence, wrong, first, span, room, losses, features, proofs,
    )  # fmt: skip
    mean = np.float32(0.0)
    known = 0
    for here in range(first, last + 1):
        confidence = confidences[here]
        if confidence == confidence:
            mean += confidence
            known += 1
    features[CONFIDENCE] = mean / known if known else 0.0
    features[CONFIDENCE_KNOWN] = 1.0 if known else 0.0
    features[SIDE_CONFIDENCE] = side_confidence if side_confidence == side_confidence else 0.0
    features[INSERTED_CONTENT] = extra_words(gaps, gapped, units, ids, flags, first, span, room) / contents
    features[LOG_LENGTH] = np.log(np.float32(rows))
    features[BITS] = (bits - np.log2(np.float32(max(stream.shape[0], 2)))) / 20.0
    return first, last + 1


@compiled
def rivalry(first, last, unit_ids, ids, rivals, confidences, losses, room):  # type: ignore[no-untyped-def]
    """Return whether a rival was heard for a word of the wording (word_kinds.RIVALS): MAYBE, SURELY, or 0 for no.

    Of two that sound alike, and of one that the recogniser doubts, it cannot be told which was said. `room` holds what
    `place_units` found.
    """
    span = last - first
    found = 0
    for unit in range(unit_ids.shape[0]):
        mine = rivals[unit_ids[unit]]
        if mine == 0 or losses[unit] == 0.0:
            continue
        # Where it should stand: its own place and what no other word of the wording is heard in beside it, and at an
        # end of the wording the word beyond.
        low = room[_BEFORE, unit] if room[_BEFORE, unit] >= 0 else -2
        high = room[_AFTER, unit] if room[_AFTER, unit] < span else span + 1
        for home in range(low + 1, high):
            here = first + home
            if here < 0 or here >= ids.shape[0]:
                continue
            other = rivals[ids[here]]
            if other == 0 or other == mine or other // MOST_RIVALS != mine // MOST_RIVALS:
                continue
            doubtful = losses[unit] < _NUMBER_ALIKE or confidences[here] < SURE
            found = max(found, MAYBE if doubtful else SURELY)
    return found


@compiled
def most(features, rival, unit_flags):  # type: ignore[no-untyped-def]
    """Return the most that a wording may score, where a word that turns it round or another number was heard."""
    if features[DENIAL_ADDED] + features[NUMBER_OTHER] > 0 or rival == SURELY:
        return DENIED
    trusted = features[CONFIDENCE_KNOWN] == 0 or features[CONFIDENCE] >= SURE  # else it may well have been the negation
    missing = features[DENIAL_MISSING] > 0 and features[CLEARNESS] > CLEAR and trusted
    if features[ONE_OTHER] > 0 or missing:
        return REPLACED
    doubtful = features[DENIAL_DOUBTED] > 0 or rival == MAYBE or features[NUMBER_CUT] > 0
    if features[NUMBER_ALIKE] > 0:
        spoken_as_words = True  # of a Chinese digit its one syllable tells enough
        for unit in range(unit_flags.shape[0]):
            if unit_flags[unit] >> DIGIT_SHIFT:
                spoken_as_words = False
        doubtful = doubtful or spoken_as_words
    return DOUBTED if doubtful else _NO_LIMIT


@compiled
def verify(  # type: ignore[no-untyped-def]
    ends, distances, least, lengths, part_ends, offsets, pattern, weights, gaps, units, unit_offsets, unit_ids,
    unit_flags, unit_weights, stream, homes, starts, ids, flags, rivals, heard_costs, confidences, side_confidence,
    cost, evidence, wrong, coefficients, begin, finish,
):  # fmt: skip
    """Look closely at each candidate place among the symbols `begin` to `finish` (ends count from `begin`).

    Returns per wording: the number of the best candidate's units (first, last + 1), its linear score and its features.
    """
    count = ends.shape[0]
    spans = np.full((count, 2), -1, np.int32)
    scores = np.full(count, -99.0)
    chosen = np.zeros((count, FEATURE_COUNT), np.float32)
    features = np.zeros(FEATURE_COUNT, np.float32)
    longest = 1
    for p in range(count):
        longest = max(longest, offsets[p + 1] - offsets[p])
    widest = 4 * longest + 32 + 2 * _GAP_ROOM * gaps.sum()
    lines = np.empty((2, widest + 1), np.int32)
    moves = np.empty((longest + 1, widest + 1), np.uint8)
    places = np.empty(longest, np.int32)
    losses = np.empty(longest + 1, np.float32)
    room = np.empty((ROOM, widest + 1), np.int32)
    proofs = np.empty((2, longest + 1), np.float32)
    for p in range(count):
        rows = offsets[p + 1] - offsets[p]
        if rows == 0 or ends[p, 0] < 0:
            continue
        if hopeless(least[p], lengths[p]):
            # Nothing like it was said: the place is kept as the nearest miss, without a closer look.
            last = begin + ends[p, 0]
            spans[p, 0] = homes[max(begin, last - lengths[p] + 1)]
            spans[p, 1] = homes[last] + 1
            scores[p] = _FAR_SCORE - 10.0 * (least[p] / lengths[p] - _HOPELESS)
            continue
        one = pattern[offsets[p] : offsets[p + 1]]
        one_weights = weights[offsets[p] : offsets[p + 1]]
        one_gaps = gaps[offsets[p] : offsets[p + 1]]
        gap_count = 0
        for i in range(rows):
            gap_count += one_gaps[i]
        one_units = units[offsets[p] : offsets[p + 1]]
        own_ids = unit_ids[unit_offsets[p] : unit_offsets[p + 1]]
        own_flags = unit_flags[unit_offsets[p] : unit_offsets[p + 1]]
        own_weights = unit_weights[unit_offsets[p] : unit_offsets[p + 1]]
        for number in range(CANDIDATES):
            end = ends[p, number]
            if end < 0:
                break
            end += begin + rows - part_ends[p]
            reach = distances[p, number] + 5
            if part_ends[p] < rows or lengths[p] < rows:  # only a part was located: the rest may be drawn out
                reach += rows // 4 + _GAP_ROOM * gap_count
            # What is said may break off before the wording ends, or begin in the midst of it.
            reach += max(0, end + 1 - finish) + max(0, begin - (end + 1 - rows))
            low = max(begin, end + 1 - rows - reach)
            high = min(finish, end + 1 + reach)
            if low >= high:
                continue
            align(one, one_weights, stream, heard_costs, low, high, end, reach, one_gaps, cost, lines, moves, places)
            first, last = measure(
                places, one, one_weights, one_gaps, gap_count > 0, one_units, own_ids, own_flags, own_weights,
                stream, homes, starts, ids, flags, confidences, side_confidence, cost, evidence, wrong,
                features, losses, room, proofs,
            )  # fmt: skip
            if first < 0:
                continue
            score = coefficients[FEATURE_COUNT]
            for f in range(FEATURE_COUNT):
                score += coefficients[f] * features[f]
            rival = rivalry(first, last, own_ids, ids, rivals, confidences, losses, room)
            score = min(score, most(features, rival, own_flags))
            if score > scores[p]:
                scores[p] = score
                spans[p, 0] = first
                spans[p, 1] = last
                chosen[p, :] = features
            if score > _ENOUGH:
                break
    return spans, scores, chosen


@compiled
def settle(spans, scores, ids, flags):  # type: ignore[no-untyped-def]
    """Return the probability of each wording, to four places, and which have no place or a negation before it."""
    probabilities = np.empty(scores.shape[0])
    odd = np.empty(scores.shape[0], np.int32)
    count = 0
    for p in range(scores.shape[0]):
        score = min(max(scores[p], -30.0), 30.0)
        probabilities[p] = np.rint(10_000.0 / (1.0 + np.exp(-score))) / 10_000.0
        first = spans[p, 0]
        if first < 0 or (first > 0 and flags[ids[first - 1]] & NEGATOR):
            odd[count] = p
            count += 1
    return probabilities, odd[:count]


@compiled
def seek(  # type: ignore[no-untyped-def]
    masks, ups, latest, lengths, part_ends, offsets, pattern, weights, gaps, units, unit_offsets, unit_ids, unit_flags,
    unit_weights, classes, stream, homes, starts, ids, flags, rivals, heard_costs, confidences, side_confidence,
    cost, evidence, wrong, coefficients, begin, finish,
):  # fmt: skip
    """Locate every wording among the symbols `begin` to `finish`, look closely at the places, and settle on one each.

    Returns what `verify` does, then what `settle` does.
    """
    best = locate(classes[begin:finish], masks, ups)
    ends, distances, least = choose(best, lengths, latest)
    spans, scores, features = verify(
        ends, distances, least, lengths, part_ends, offsets, pattern, weights, gaps, units, unit_offsets, unit_ids,
        unit_flags, unit_weights, stream, homes, starts, ids, flags, rivals, heard_costs, confidences, side_confidence,
        cost, evidence, wrong, coefficients, begin, finish,
    )  # fmt: skip
    probabilities, odd = settle(spans, scores, ids, flags)
    return spans, scores, features, probabilities, odd
