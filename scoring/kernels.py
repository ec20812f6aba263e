"""The compiled inner loops of the matcher: where a wording may stand in a stream of sounds, and how well it fits there.

Compiled by numba on first use and kept on disk where its cache folder can be written. Import this module only inside
the functions that search: numba takes half a second to load. Symbols are those of scoring.sounds.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from scoring.sounds import BREAK, CONFIDENCES, GONE
from scoring.word_kinds import MOST_RIVALS

CONTENT, NEGATOR, DIGIT = 1, 2, 4  # flags of a unit
DIGIT_SHIFT = 4  # the flags above hold which digit a Chinese unit begins with, plus one
FEATURES = (
    "fit", "worst", "worst_trusted", "second", "lost", "lost_run", "exact", "edge", "inserted", "inserted_content",
    "log_length", "one_over_content", "rest_fit", "doubt", "confidence", "confidence_known", "side_confidence",
    "breaks", "bits", "pair", "pair_trusted", "others_perfect",
    "denial_added", "denial_missing", "number_alike", "number_other",
    "replaced", "replaced_most", "replaced_trusted", "deleted", "deleted_run", "blurred", "replaced_count",
    "squared", "other", "other_trusted", "other_clean", "one_other",
    "sound", "sound_share", "told_worst", "told_second", "told", "told_small", "told_pair", "told_number",
    "told_denial", "away_worst", "away", "added_trusted", "run", "run_clear", "run_length", "clear", "denial_doubted",
    "pair_clear", "worst_clear", "digit_added",
)  # fmt: skip
FEATURE_COUNT = len(FEATURES)
CANDIDATES = 3  # places of one wording that are looked at closely
LONGEST = 64  # symbols of a wording that the first pass can hold
_FAR = 1 << 20
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
_NEVER = np.float32(1e9)
MAYBE, SURELY = 1, 2  # what `rivalry` found
_ENOUGH = 4.0  # linear score from which no other place is looked at
REPLACED = -2.5  # the most that a short sentence scores in which one word is surely another
_CONFIDENCES = np.array(CONFIDENCES, np.float32)
_GARBLED = 0.03  # probability that a word is heard as anything
_UNLIKE = 1.0  # what a word tells against the wording from which it is taken for another one
_TEMPER = 0.6  # neighbouring sounds are misheard together: their evidence counts less than the sum
_FARTHEST = 12.0
_MOST_DOUBT = 2.0  # low confidence makes a word garbled no more probable than this (natural log)
CLEAR = 0.85  # share of the other words as they should be, from which a negation that is not heard was not said
_DELETE, _INSERT, _BREAK_COST = 0.7, 0.45, 3.0
_GAP_COST = 0.01
_GAP_ROOM = 60  # symbols that may fill a gap


def _compiled(function: Any) -> Any:
    """Compile with numba, keeping the machine code on disk where that is possible."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache can be written: compile anew in each process
        return numba.njit(nogil=True, error_model="numpy")(function)


@_compiled
def spell(ids, offsets, flat, breaks):  # type: ignore[no-untyped-def]
    """Return the symbols of a stream of units and the unit of each; `breaks` marks units with a break before them."""
    total = 0
    for unit in range(ids.shape[0]):
        total += offsets[ids[unit] + 1] - offsets[ids[unit]] + breaks[unit]
    symbols = np.empty(total, np.int16)
    homes = np.empty(total, np.int32)
    starts = np.empty(ids.shape[0] + 1, np.int32)
    at = 0
    for unit in range(ids.shape[0]):
        if breaks[unit]:
            symbols[at] = BREAK
            homes[at] = unit
            at += 1
        starts[unit] = at
        for place in range(offsets[ids[unit]], offsets[ids[unit] + 1]):
            symbols[at] = flat[place]
            homes[at] = unit
            at += 1
    starts[ids.shape[0]] = at
    return symbols, homes, starts


@_compiled
def locate(stream, masks, shifts, lengths, block):  # type: ignore[no-untyped-def]
    """Return for each block of the stream and each wording the least edit distance and the place where it ends.

    Myers' bit-parallel approximate matching, all wordings side by side. `stream` holds coarse classes, `masks` (class,
    wording) the places of each class in a wording as bits. Shapes of the results: (blocks, wordings).
    """
    count = masks.shape[1]
    blocks = (stream.shape[0] + block - 1) // block
    best = np.empty((blocks, count), np.int32)
    where = np.empty((blocks, count), np.int32)
    one = np.uint64(1)
    up = np.full(count, np.uint64(0xFFFFFFFFFFFFFFFF))
    down = np.zeros(count, np.uint64)
    score = lengths.astype(np.uint64)
    low = np.empty(count, np.uint64)
    at = np.empty(count, np.uint64)
    for number in range(blocks):
        low[:] = np.uint64(_FAR)
        at[:] = np.uint64(0)
        for place in range(number * block, min((number + 1) * block, stream.shape[0])):
            row = masks[stream[place]]
            here = np.uint64(place)
            for p in range(count):
                equal = row[p]
                plus = up[p]
                minus = down[p]
                vertical = equal | minus
                horizontal = (((equal & plus) + plus) ^ plus) | equal
                rise = minus | ~(horizontal | plus)
                fall = plus & horizontal
                value = score[p] + ((rise >> shifts[p]) & one) - ((fall >> shifts[p]) & one)
                score[p] = value
                rise = rise << one
                fall = fall << one
                up[p] = fall | ~(vertical | rise)
                down[p] = rise & vertical
                better = value < low[p]
                low[p] = value if better else low[p]
                at[p] = here if better else at[p]
        for p in range(count):
            best[number, p] = low[p]
            where[number, p] = at[p]
    return best, where


@_compiled
def choose(best, where, lengths, latest):  # type: ignore[no-untyped-def]
    """Return up to CANDIDATES places per wording, the best first: (wordings, CANDIDATES) ends, -1 for none.

    Then the distance at each of them, and the least of each wording. A place is worth a close look when its distance
    is near the best one's; of equals the first comes first, with `latest` the last.
    """
    blocks, count = best.shape
    ends = np.full((count, CANDIDATES), -1, np.int32)
    distances = np.zeros((count, CANDIDATES), np.int32)
    lowest = np.full(count, _FAR, np.int32)
    for number in range(blocks):
        for p in range(count):
            lowest[p] = min(lowest[p], best[number, p])
    for p in range(count):
        least = lowest[p]
        limit = max(least, min(least + 1 + lengths[p] // 10, lengths[p] * 40 // 100))
        found = 0
        for distance in range(least, limit + 1):
            for step in range(blocks):
                number = blocks - 1 - step if latest else step
                if best[number, p] != distance:
                    continue
                near = False
                for other in range(found):
                    near = near or abs(ends[p, other] - where[number, p]) <= lengths[p] // 2
                if not near:
                    ends[p, found] = where[number, p]
                    distances[p, found] = distance
                    found += 1
                if found == CANDIDATES:
                    break
            if found == CANDIDATES:
                break
    return ends, distances, lowest


@_compiled
def align(pattern, weights, stream, heard_weights, low, high, end, reach, gaps, cost, lines, moves, places):  # type: ignore[no-untyped-def]
    """Align a wording's symbols inside the symbols `low` to `high` of a stream, both ends free.

    `gaps` marks symbols after which anything may be heard. It is known to end near the symbol `end`; places more than
    `reach` symbols off the diagonal are not tried. Fills `places` with the place that each symbol of the wording is
    heard at (-1: not heard). `lines` (2, columns) and `moves` (rows, columns: 0 swap, 1 drop, 2 extra) are room to
    work in.
    """
    rows = pattern.shape[0]
    columns = high - low
    previous = lines[0]
    current = lines[1]
    previous[: columns + 1] = 0.0
    shift = end + 1 - low - rows  # column of the diagonal in row 0
    for i in range(1, rows + 1):
        weight = weights[i - 1]
        drop = np.float32(_DELETE) * weight
        left = max(1, i + shift - reach)
        right = min(columns, i + shift + reach)
        if left == 1:
            current[0] = previous[0] + drop
            moves[i, 0] = 1
        else:
            current[left - 1] = _NEVER
        row = cost[pattern[i - 1]]
        last = i == rows
        free = gaps[i - 1] > 0
        for j in range(left, right + 1):
            heard = stream[low + j - 1]
            least = previous[j - 1] + weight * row[heard]
            move = 0
            other = previous[j] + drop
            if other < least:
                least = other
                move = 1
            extra = np.float32(_BREAK_COST) if heard == BREAK else heard_weights[low + j - 1]
            other = current[j - 1] + (np.float32(_GAP_COST) if free else extra)
            if other < least and not last:
                least = other
                move = 2
            current[j] = least
            moves[i, j] = move
        if right < columns:
            current[right + 1] = _NEVER
        previous, current = current, previous
    left = max(0, rows + shift - reach)
    right = min(columns, rows + shift + reach)
    j = left
    for column in range(left, right + 1):
        if previous[column] < previous[j]:
            j = column
    places[:rows] = -1
    i = rows
    while i > 0:
        move = moves[i, j]
        if move == 0 and j > 0:
            places[i - 1] = low + j - 1
            i -= 1
            j -= 1
        elif move == 2 and j > 0:
            j -= 1
        else:
            i -= 1


@_compiled
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


@_compiled
def right(confidence, wrong):  # type: ignore[no-untyped-def]
    """Return P(right | confidence)."""
    return max(np.float32(0.0), 1 - wrong[wrong.shape[0] - 1] * np.exp(wrongness(confidence, wrong)))


@_compiled
def prove(  # type: ignore[no-untyped-def]
    places, pattern, units, unit_ids, unit_flags, unit_weights, stream, homes, starts, ids, flags, confidences,
    evidence, wrong, first, last, room, losses, features, proofs
):  # fmt: skip
    """Fill the features that learned confusions give; `room` holds what `measure` found for each unit.

    What was heard for a word may be the word misheard sound by sound, or, with the probability GARBLED, anything.
    So a garbled word costs a bounded amount; more where the recogniser trusts what it heard instead.
    """
    count = unit_ids.shape[0]
    span = last - first
    matched = room[0]
    owner = room[1]
    first_heard = room[2]
    last_heard = room[3]
    told = proofs[0]  # log-likelihood ratio of each unit by its sounds
    full = proofs[1]  # the same, were it heard as spoken
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
    sound = np.float32(0.0)
    sound_full = np.float32(0.0)
    worst = np.float32(0.0)
    second = np.float32(0.0)
    total = np.float32(0.0)
    small = np.float32(0.0)
    pair = np.float32(0.0)
    number = np.float32(0.0)
    denial = np.float32(0.0)
    away_worst = np.float32(0.0)
    away = np.float32(0.0)
    contents = 0
    before = np.float32(0.0)
    run = np.float32(0.0)  # the run of words that tells most against the wording
    run_first = -1
    run_last = -1
    this = np.float32(0.0)
    this_first = -1
    this_last = -1
    worst_unit = -1
    for unit in range(count):
        content = unit_flags[unit] & CONTENT
        exact = losses[unit] == 0.0
        if exact:
            told[unit] = full[unit]
        sound += unit_weights[unit] * told[unit]
        sound_full += unit_weights[unit] * full[unit]
        trust = np.float32(2.0)
        low = first_heard[unit]
        high = last_heard[unit]
        if low < 0:  # what stands where it should be, else the words beside that place
            low = -1
            high = span
            for other in range(unit - 1, -1, -1):
                if last_heard[other] >= 0:
                    low = last_heard[other]
                    break
            for other in range(unit + 1, count):
                if first_heard[other] >= 0:
                    high = first_heard[other]
                    break
            if high - low > 1:
                low += 1
                high -= 1
        for home in range(max(low, 0), min(high, span - 1) + 1):
            confidence = confidences[first + home]
            if confidence == confidence:
                trust = min(trust, confidence)
        if trust > 1:
            trust = np.float32(np.nan)
        said = np.float32(0.0)
        far = np.float32(0.0)
        if not exact:
            doubt = min(np.float32(_MOST_DOUBT), wrongness(trust, wrong))
            clear = np.exp(min(told[unit] * np.float32(_TEMPER), np.float32(6.0)))
            said = min(np.float32(0.0), np.float32(np.log((1 - _GARBLED) * clear + _GARBLED)) + doubt)
            far = min(np.float32(_FARTHEST), full[unit] - told[unit]) * right(trust, wrong)
        if unit_flags[unit] & DIGIT:
            number = min(number, said)
        if unit_flags[unit] & NEGATOR:
            denial = min(denial, said)
        proofs[1, unit] = said  # from here on: what each unit tells against the wording
        if not content:
            small += said
            continue
        if said < -_UNLIKE:
            if this_first < 0:
                this_first = unit
            this_last = unit
            this += said
            if this < run:
                run = this
                run_first = this_first
                run_last = this_last
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
        away += far
        away_worst = max(away_worst, far)
    added = np.float32(0.0)
    for home in range(span):
        if owner[home] < 0 and flags[ids[first + home]] & CONTENT:
            added += right(confidences[first + home], wrong)
    clear_weight = np.float32(0.0)
    weight = np.float32(0.0)
    alone_clear = np.float32(0.0)
    alone_weight = np.float32(0.0)
    run_length = np.float32(0.0)
    for unit in range(count):
        same = unit_weights[unit] * max(
            np.float32(0.0), 1 - min(np.float32(1.0), -proofs[1, unit] / np.float32(_UNLIKE))
        )
        if unit < run_first or unit > run_last or run_first < 0:
            weight += unit_weights[unit]
            clear_weight += same
        elif unit_flags[unit] & CONTENT:
            run_length += 1
        if unit != worst_unit:
            alone_weight += unit_weights[unit]
            alone_clear += same
    clear = clear_weight / weight if weight > 0 else np.float32(0.0)
    alone = alone_clear / alone_weight if alone_weight > 0 else np.float32(0.0)
    some = np.float32(max(contents, 1))
    features[50] = run
    features[51] = run * clear * clear
    features[52] = run_length / some
    features[53] = clear
    features[55] = pair * clear * clear
    features[56] = worst * alone * alone
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
                features[57] = 1.0
    features[38] = sound / 20
    features[39] = sound / sound_full if sound_full > 0 else 0.0
    features[40] = worst
    features[41] = second
    features[42] = total
    features[43] = small
    features[44] = pair
    features[45] = number
    features[46] = denial
    features[47] = away_worst
    features[48] = away / some
    features[49] = added


@_compiled
def beside(unit, count, first, span, first_heard, last_heard, owner, matched, starts, ids, flags, unit_ids, unit_flags):  # type: ignore[no-untyped-def]
    """Return the heard unit that is another number where a number of the wording was not heard; -1 for none.

    It stands next to what is heard of the wording's units beside it, or is a part of their number: 4513 for 4512.
    """
    for side in range(2):
        neighbour = unit - 1 if side == 0 else unit + 1
        if neighbour < 0 or neighbour >= count or first_heard[neighbour] < 0:
            continue
        home = last_heard[neighbour] if side == 0 else first_heard[neighbour]
        here = first + home
        whole = matched[home] == starts[here + 1] - starts[here]
        if not whole and unit_flags[neighbour] & DIGIT and flags[ids[here]] & DIGIT:
            return here
        home += 1 if side == 0 else -1
        here = first + home
        if here < 0 or here >= ids.shape[0] or (0 <= home < span and owner[home] >= 0):
            continue
        known = flags[ids[here]] >> DIGIT_SHIFT
        same = ids[here] == unit_ids[unit] or (known and known == unit_flags[unit] >> DIGIT_SHIFT)
        if flags[ids[here]] & DIGIT and not same:
            return here
    return -1


@_compiled
def measure(  # type: ignore[no-untyped-def]
    places, pattern, weights, gaps, units, unit_ids, unit_flags, unit_weights,
    stream, homes, starts, ids, flags, confidences, side_confidence, total_symbols, cost, evidence, wrong,
    features, losses, room, proofs
):  # fmt: skip
    """Fill `features` and the loss of each unit of the wording (0 as said .. 1 another word) for one alignment.

    Returns the first and last + 1 heard unit; (-1, -1) when nothing of the wording was heard.
    """
    count = unit_ids.shape[0]
    rows = pattern.shape[0]
    first = -1
    last = -1
    for i in range(rows):
        if places[i] >= 0:
            if first < 0:
                first = homes[places[i]]
            last = homes[places[i]]
    features[:] = 0.0
    if first < 0:
        return -1, -1
    span = last + 1 - first
    matched = room[0]
    owner = room[1]
    first_heard = room[2]
    last_heard = room[3]
    size = room[4]
    loss = losses
    matched[:span] = 0
    owner[:span] = -1
    first_heard[:count] = -1
    last_heard[:count] = -1
    size[:count] = 0
    loss[:count] = 0.0
    bits = np.float32(0.0)
    for i in range(rows):
        unit = units[i]
        size[unit] += 1
        if places[i] < 0:
            loss[unit] += 1.0
            bits -= 1.5 * weights[i]
            continue
        price = cost[pattern[i], stream[places[i]]]
        loss[unit] += price
        bits += (3.5 - 7.0 * price) * weights[i]
        home = homes[places[i]] - first
        matched[home] += 1
        owner[home] = unit
        if first_heard[unit] < 0:
            first_heard[unit] = home
        last_heard[unit] = home
    inserted = np.float32(0.0)
    inserted_content = np.float32(0.0)
    in_gap = False
    gap_at = np.int32(-1)
    for i in range(rows):
        if gaps[i] > 0:
            gap_at = units[i]
    for home in range(span):
        content = flags[ids[first + home]] & CONTENT
        if owner[home] >= 0 and gap_at >= 0:
            in_gap = False
            for i in range(rows):
                in_gap = in_gap or (gaps[i] > 0 and units[i] == owner[home])
        if in_gap and owner[home] < 0:
            continue
        length = starts[first + home + 1] - starts[first + home]
        if owner[home] < 0:
            inserted += 1
            inserted_content += 1 if content else 0
        else:
            left = length - matched[home]
            if left > 0:
                loss[owner[home]] += 0.5 * left
                bits -= 1.0 * left
    exact = np.float32(0.0)
    weight_sum = np.float32(0.0)
    fit_sum = np.float32(0.0)
    contents = 0
    for unit in range(count):
        weight = unit_weights[unit]
        weight_sum += weight
        one = min(np.float32(1.0), loss[unit] / np.float32(max(size[unit], 1)))
        alone = first_heard[unit] >= 0 and first_heard[unit] == last_heard[unit]
        if alone and ids[first + first_heard[unit]] == unit_ids[unit]:
            exact += weight
            one = np.float32(0.0)
        losses[unit] = one
        fit_sum += weight * one
        if unit_flags[unit] & CONTENT:
            contents += 1
    worst = np.float32(0.0)
    worst_unit = -1
    second = np.float32(0.0)
    trusted = np.float32(0.0)
    pair = np.float32(0.0)
    pair_trusted = np.float32(0.0)
    lost = np.float32(0.0)
    run = np.float32(0.0)
    longest = np.float32(0.0)
    edge = np.float32(0.0)
    seen = 0
    before = np.float32(-1.0)
    before_trust = np.float32(1.0)
    doubt = np.float32(0.0)
    for unit in range(count):
        if not unit_flags[unit] & CONTENT:
            continue
        seen += 1
        one = losses[unit]
        # How far the recogniser trusts what it heard here: the least sure of the words here and beside them.
        low = first_heard[unit]
        high = last_heard[unit]
        if low < 0:
            low = 0
            high = span - 1
            for other in range(unit - 1, -1, -1):
                if last_heard[other] >= 0:
                    low = last_heard[other]
                    break
            for other in range(unit + 1, count):
                if first_heard[other] >= 0:
                    high = first_heard[other]
                    break
        trust = np.float32(1.0)
        for home in range(max(low, 0), min(high, span - 1) + 1):
            confidence = confidences[first + home]
            if confidence == confidence and confidence < trust:
                trust = confidence
        if one >= worst:
            second = worst
            worst = one
            worst_unit = unit
        elif one > second:
            second = one
        trusted = max(trusted, one * trust)
        doubt += one * (1 - trust)
        if before >= 0:
            pair = max(pair, 0.5 * (one + before))
            pair_trusted = max(pair_trusted, 0.5 * (one * trust + before * before_trust))
        before = one
        before_trust = trust
        if one >= _LOST:
            lost += 1
            run += 1
            longest = max(longest, run)
            if seen == 1 or seen == contents:
                edge += 1
        else:
            run = np.float32(0.0)
    if contents == 0:
        for unit in range(count):
            worst = max(worst, losses[unit])
        trusted = worst
        pair = worst
        pair_trusted = worst
        contents = 1
    elif contents == 1:
        pair = worst
        pair_trusted = trusted
    denial_missing = np.float32(0.0)
    for unit in range(count):
        if unit_flags[unit] & NEGATOR and losses[unit] >= _LOST:
            denial_missing += 1
    denial_added = np.float32(0.0)
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
            denial_added += 1
        else:
            features[54] += 1
    # Words that carry meaning: replaced by others, or not heard at all (nothing stands where they should).
    replaced = np.float32(0.0)
    replaced_most = np.float32(0.0)
    replaced_trusted = np.float32(0.0)
    replaced_count = np.float32(0.0)
    deleted = np.float32(0.0)
    deleted_run = np.float32(0.0)
    gone = np.float32(0.0)
    blurred = np.float32(0.0)
    squared = np.float32(0.0)
    other_sum = np.float32(0.0)
    other_most = np.float32(0.0)
    other_trusted = np.float32(0.0)
    for unit in range(count):
        one = losses[unit]
        if not unit_flags[unit] & CONTENT:
            if one < _LOST:
                gone = np.float32(0.0)
            continue
        squared += one * one
        unlike = min(np.float32(1.0), max(np.float32(0.0), one - np.float32(_SAME)) / np.float32(_OTHER - _SAME))
        other_sum += unlike
        low = -1
        high = span
        for other in range(unit - 1, -1, -1):
            if last_heard[other] >= 0:
                low = last_heard[other]
                break
        for other in range(unit + 1, count):
            if first_heard[other] >= 0:
                high = first_heard[other]
                break
        trust = np.float32(1.0)
        there = first_heard[unit] >= 0
        for home in range(max(0, low + (0 if there else 1)), min(span, high + (1 if there else 0))):
            if not there and owner[home] < 0:
                there = True
            confidence = confidences[first + home]
            if there and confidence == confidence and confidence < trust:
                trust = confidence
        other_most = max(other_most, unlike)
        other_trusted = max(other_trusted, unlike * trust)
        if one < _LOST:
            blurred += one
            gone = np.float32(0.0)
        elif there:
            replaced += one
            replaced_count += 1
            replaced_most = max(replaced_most, one)
            replaced_trusted = max(replaced_trusted, one * trust)
            gone = np.float32(0.0)
        else:
            deleted += 1
            gone += 1
            deleted_run = max(deleted_run, gone)
    number_alike = np.float32(0.0)
    number_other = np.float32(0.0)
    for unit in range(count):
        if not unit_flags[unit] & DIGIT or first_heard[unit] < 0 or losses[unit] <= 0.01:
            continue
        for home in range(first_heard[unit], last_heard[unit] + 1):
            here = first + home
            heard_digit = flags[ids[here]] >> DIGIT_SHIFT
            if heard_digit and heard_digit == unit_flags[unit] >> DIGIT_SHIFT:
                continue  # 6 and 60, by which 六, 一 and 六十一 are read alike
            if flags[ids[here]] & DIGIT:
                confidence = confidences[here]
                # Of a number of many digits it takes only one to make another one.
                alike = losses[unit] < _NUMBER_ALIKE and (
                    size[unit] < _LONG_NUMBER or losses[unit] * size[unit] < _DIGIT_LOSS
                )
                if alike or confidence < SURE:
                    number_alike = np.float32(1.0)
                else:
                    number_other = np.float32(1.0)
    for unit in range(count):
        if not unit_flags[unit] & DIGIT or first_heard[unit] >= 0:
            continue
        here = beside(
            unit, count, first, span, first_heard, last_heard, owner, matched, starts, ids, flags, unit_ids, unit_flags
        )
        if here >= 0:  # the number is not heard, but another one where it should be
            confidence = confidences[here]
            if confidence < SURE:
                number_alike = np.float32(1.0)
            else:
                number_other = np.float32(1.0)
    mean = np.float32(0.0)
    known = 0
    for home in range(span):
        confidence = confidences[first + home]
        if confidence == confidence:
            mean += confidence
            known += 1
    breaks = 0
    for place in range(starts[first], starts[last + 1]):
        breaks += stream[place] == BREAK
    rest_weight = weight_sum
    rest_loss = fit_sum
    if worst_unit >= 0:
        rest_weight -= unit_weights[worst_unit]
        rest_loss -= unit_weights[worst_unit] * losses[worst_unit]
    rest = 1 - rest_loss / rest_weight if rest_weight > 0 else np.float32(1.0)
    features[0] = 1 - fit_sum / weight_sum
    features[1] = worst
    features[2] = trusted
    features[3] = second
    features[4] = lost / contents
    features[5] = longest / contents
    features[6] = exact / weight_sum
    features[7] = edge
    features[8] = inserted / count
    features[9] = inserted_content / contents
    features[10] = np.log(np.float32(rows))
    features[11] = 1.0 / contents
    features[12] = rest
    features[13] = doubt / contents
    features[14] = mean / known if known else 0.0
    features[15] = 1.0 if known else 0.0
    features[16] = side_confidence if side_confidence == side_confidence else 0.0
    features[17] = breaks
    features[18] = (bits - np.log2(np.float32(max(total_symbols, 2)))) / 20.0
    features[19] = pair
    features[20] = pair_trusted
    features[21] = max(np.float32(0.0), rest - 0.8) * 5 * worst
    features[22] = denial_added
    features[23] = denial_missing
    features[24] = number_alike
    features[25] = number_other
    features[26] = replaced / contents
    features[27] = replaced_most
    features[28] = replaced_trusted
    features[29] = deleted / contents
    features[30] = deleted_run
    features[31] = blurred / contents
    features[32] = replaced_count
    features[33] = squared / contents
    features[34] = other_sum / contents
    features[35] = other_trusted
    features[36] = other_most * max(np.float32(0.0), rest - np.float32(0.8)) * 5
    prove(
        places, pattern, units, unit_ids, unit_flags, unit_weights, stream, homes, starts, ids, flags, confidences,
        evidence, wrong, first, last + 1, room, losses, features, proofs,
    )  # fmt: skip
    # A short sentence heard word for word but for the one word that makes it this sentence.
    clear = 0
    lost_symbols = np.float32(0.0)
    for unit in range(count):
        clear += losses[unit] == 0.0
        lost_symbols = max(lost_symbols, losses[unit] * size[unit])
    if contents <= 2 and clear >= 3 and clear == count - 1 and other_trusted >= SURE and lost_symbols > _ONE_SYMBOL:
        features[37] = 1.0
    return first, last + 1


@_compiled
def rivalry(first, last, unit_ids, ids, rivals, confidences, losses, room):  # type: ignore[no-untyped-def]
    """Return whether a rival was heard for a word of the wording (word_kinds.RIVALS): MAYBE, SURELY, or 0 for no.

    Of two that sound alike, and of one that the recogniser doubts, it cannot be told which was said. `room` holds what
    `measure` found.
    """
    count = unit_ids.shape[0]
    first_heard = room[2]
    last_heard = room[3]
    span = last - first
    found = 0
    for unit in range(count):
        mine = rivals[unit_ids[unit]]
        if mine == 0 or losses[unit] == 0.0:
            continue
        low = -2  # where it should stand: its own place and what no other word of the wording is heard in beside it
        high = span + 1
        for other in range(unit - 1, -1, -1):
            if last_heard[other] >= 0:
                low = last_heard[other]
                break
        for other in range(unit + 1, count):
            if first_heard[other] >= 0:
                high = first_heard[other]
                break
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


@_compiled
def verify(  # type: ignore[no-untyped-def]
    ends, distances, least, lengths, part_ends, offsets, pattern, weights, gaps, units, unit_offsets, unit_ids,
    unit_flags, unit_weights, stream, homes, starts, ids, flags, rivals, heard_weights, confidences, side_confidence,
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
    lines = np.empty((2, widest + 1), np.float32)
    moves = np.empty((longest + 1, widest + 1), np.uint8)
    places = np.empty(longest, np.int32)
    losses = np.empty(longest + 1, np.float32)
    room = np.empty((5, widest + 1), np.int32)
    proofs = np.empty((2, longest + 1), np.float32)
    for p in range(count):
        rows = offsets[p + 1] - offsets[p]
        if rows == 0 or ends[p, 0] < 0:
            continue
        if least[p] > _HOPELESS * lengths[p] and lengths[p] > _SHORT:
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
            low = max(begin, end + 1 - rows - reach)
            high = min(finish, end + 1 + reach)
            if low >= high:
                continue
            align(one, one_weights, stream, heard_weights, low, high, end, reach, one_gaps, cost, lines, moves, places)
            first, last = measure(
                places,
                one,
                one_weights,
                one_gaps,
                one_units,
                own_ids,
                own_flags,
                own_weights,
                stream,
                homes,
                starts,
                ids,
                flags,
                confidences,
                side_confidence,
                stream.shape[0],
                cost,
                evidence,
                wrong,
                features,
                losses,
                room,
                proofs,
            )
            rival = rivalry(first, last, own_ids, ids, rivals, confidences, losses, room)  # fmt: skip
            if first < 0:
                continue
            score = coefficients[FEATURE_COUNT]
            for f in range(FEATURE_COUNT):
                score += coefficients[f] * features[f]
            if (features[22] + features[25] > 0 or rival == SURELY) and score > DENIED:
                score = DENIED
            doubtful = features[54] + rival
            if features[24] > 0:
                spoken_as_words = np.float32(1.0)  # of a Chinese digit its one syllable tells enough
                for unit in range(own_flags.shape[0]):
                    if own_flags[unit] >> DIGIT_SHIFT:
                        spoken_as_words = np.float32(0.0)
                doubtful += spoken_as_words
            if doubtful > 0 and score > DOUBTED:
                score = DOUBTED
            trusted = features[15] == 0 or features[14] >= SURE  # doubted words may well have been the negation
            if (features[37] > 0 or (features[23] > 0 and features[53] > CLEAR and trusted)) and score > REPLACED:
                score = REPLACED
            if score > scores[p]:
                scores[p] = score
                spans[p, 0] = first
                spans[p, 1] = last
                chosen[p, :] = features
            if score > _ENOUGH:
                break
    return spans, scores, chosen
