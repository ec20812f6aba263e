"""Why a mark says what it says, in words: one English sentence per reason id, translated where it is shown.

The names in %(name)s are filled from `Evidence.values`.
"""

from __future__ import annotations


def N_(message: str) -> str:
    """Mark a message for translation."""
    return message


REASONS: dict[str, str] = {
    # words that were looked for
    "said": N_("The wording was said."),
    "not_said": N_("The wording was not said where it was looked for (%(words)s words searched)."),
    "said_late": N_("Said, but later than %(seconds)s s after the agent's first word."),
    "unsure": N_("Something like it was said, but the recognised words do not decide."),
    "count_reached": N_("Said %(count)s times; %(least)s are enough."),
    "count_too_small": N_("Said %(count)s times; %(least)s are expected."),
    "in_order": N_("Said after %(after)s, as required."),
    "wrong_order": N_("Said before %(after)s; it must come after it."),
    "nothing_forbidden": N_("None of the forbidden wordings was said."),
    "forbidden_said": N_("A forbidden wording was said (%(severity)s)."),
    "exception_unsure": N_("A forbidden wording, but perhaps inside an allowed sentence."),
    # anchors
    "anchor_found": N_("This occurred: %(anchor)s."),
    "anchor_absent": N_("This did not occur: %(anchor)s."),
    "no_trigger": N_("Nothing in the call asks for this (%(rules)s)."),
    "no_hold": N_("The telephone system reports no hold."),
    "no_transfer": N_("The telephone system reports no transfer."),
    "no_long_silence": N_("No silence longer than %(seconds)s s."),
    "hold_unknown": N_("A silence of %(seconds)s s may be a hold; the telephone system reported nothing."),
    "closed_by_agent": N_("The agent closed the call."),
    "no_turn_after": N_("The agent had no turn afterwards."),
    "customer_spoke_last": N_("The recording ends with the customer's words: they may have hung up first."),
    # replies and values
    "reply_unclear": N_("The answer of the other side was not recognised clearly."),
    "nothing_asked": N_("Nothing was asked, so no answer was expected."),
    "customer_data_given": N_("The customer gave identifying data."),
    "no_value_given": N_("The customer gave no number to read back."),
    "value_read_back": N_("The customer's number (%(digits)s digits) was read back."),
    "value_not_read_back": N_("The customer's number (%(digits)s digits) was not read back."),
    "value_differs": N_("A number was read back that differs from the recognised one; one of them may be misheard."),
    "event_seen": N_("The telephone system reports: %(event)s."),
    "event_not_seen": N_("The telephone system does not report: %(event)s."),
    "ticket_found": N_("A ticket with type and summary exists."),
    "ticket_incomplete": N_("The ticket lacks its type or its summary."),
    # sound
    "speed_within": N_("%(rate)s %(unit)s, within %(low)s to %(high)s."),
    "too_slow": N_("%(rate)s %(unit)s, slower than %(low)s."),
    "too_fast": N_("%(rate)s %(unit)s, faster than %(high)s."),
    "customer_asked": N_("The customer asked for another pace."),
    "too_little_speech": N_("Too little speech for a rate; at least %(least)s words or characters are needed."),
    "level_fine": N_("Level %(value)s dB, within the limit of %(limit)s dB."),
    "too_quiet": N_("Level %(value)s dB, below %(limit)s dB."),
    "uneven_level": N_("The level swings by %(value)s dB, more than %(limit)s dB."),
    "interrupted": N_("Spoke over the other side for %(seconds)s s (%(words)s words)."),
    "no_interruption": N_("No interruption of %(seconds)s s or longer."),
    "words_unknown": N_("An overlap of %(seconds)s s; without word times it is unknown what was said in it."),
    "long_silence": N_("A silence of %(seconds)s s, longer than %(limit)s s, without explanation."),
    "silence_excused": N_("A silence of %(seconds)s s that was explained."),
    "silence_on_hold": N_("A silence of %(seconds)s s on hold."),
    "customer_paused": N_("A silence of %(seconds)s s while the customer was to speak."),
    "repeated": N_("The customer said again what they had said in turn %(turn)s."),
    "no_repetition": N_("The customer had to repeat nothing."),
    "agent_hung_up": N_("The agent ended the call without a goodbye, %(gap)s s after the last words."),
    "customer_hung_up": N_("The customer ended the call."),
    # why it cannot be told
    "for_person": N_("Only a person can answer this."),
    "deduction_for_person": N_("A person chooses which deduction applies."),
    "speakers_unknown": N_("It is not known who speaks."),
    "sides_may_be_swapped": N_("The agent's opening is on the customer's side: the channels may be swapped."),
    "one_channel": N_("The recording has one channel: this cannot be measured."),
    "nothing_heard": N_("No words of this speaker were recognised."),
    "low_confidence": N_("The recogniser is unsure of these words (confidence %(confidence)s, below %(limit)s)."),
    "many_doubtful": N_("Said %(count)s times; the recogniser doubts so many words that some may be missing."),
    "doubtful_hit": N_("A forbidden wording was recognised, but the recogniser doubts these words."),
    "poor_audio": N_("The recording is too poor."),
    "no_times": N_("The transcript has no times."),
    "time_uncertain": N_("Said in a turn that began in time; when exactly is not known."),
    "not_measured": N_("The sound of the call was not measured."),
    "names_missing": N_("The names of the organisation are not configured."),
    "fact_missing": N_("It is not known: %(fact)s."),
    "fact_says_na": N_("Does not apply: %(fact)s."),
    "rule_unknown": N_("The phrase set has no rule %(rule)s."),
    "pattern_too_slow": N_("A regular expression of this rule takes too long: %(pattern)s"),
}
