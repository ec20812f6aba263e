from __future__ import annotations

import pytest

from transcription.gradable import why_not_gradable
from transcription.transcript import Transcript, Turn


def call(*turns: tuple[str, str], language: str = "en", duration: float = 60.0, timed: bool = True) -> Transcript:
    said = tuple(Turn(speaker, float(i), float(i + 1), text) for i, (speaker, text) in enumerate(turns))
    return Transcript(language, duration, 2, said, timed=timed)


def test_a_conversation_is_gradable() -> None:
    assert why_not_gradable(call(("agent", "good morning how may i help"), ("customer", "my bill is wrong"))) is None


def test_a_short_recording_is_too_short() -> None:
    assert why_not_gradable(call(("agent", "good morning how may i help"), duration=4.0)) == "too_short"


def test_a_chat_without_times_is_never_too_short() -> None:
    transcript = call(("agent", "good morning how may i help"), duration=0.0, timed=False)

    assert why_not_gradable(transcript) is None


@pytest.mark.parametrize("turns", [(), (("agent", "hello"), ("agent", "hello?"))])
def test_hardly_a_word_is_no_speech(turns: tuple[tuple[str, str], ...]) -> None:
    assert why_not_gradable(call(*turns)) == "no_speech"


def test_chinese_is_counted_in_characters() -> None:
    assert why_not_gradable(call(("agent", "您好请讲啊"), language="zh-CN")) is None
    assert why_not_gradable(call(("agent", "您好。"), language="zh-CN")) == "no_speech"


@pytest.mark.parametrize(
    ("language", "announcement"),
    [
        ("en", "You have reached the voicemail of Sam. Please leave a message after the tone."),
        ("en", "i cannot come to the phone right now please leave your message"),
        ("zh-CN", "您拨打的电话暂时无人接听，请在滴声后留言。"),
        ("zh-CN", "您好，您拨打的用户已关机，请稍后再拨。"),
        ("zh-CN", "请留言，录音完毕请挂机"),
    ],
)
def test_a_mailbox_is_voicemail(language: str, announcement: str) -> None:
    assert why_not_gradable(call(("unknown", announcement), language=language)) == "voicemail"
    assert (
        why_not_gradable(
            call(("customer", announcement), ("agent", "hello this is the bank please call us back"), language=language)
        )
        == "voicemail"
    )


def test_a_conversation_about_a_mailbox_is_gradable() -> None:
    transcript = call(
        ("agent", "good morning how may i help"),
        ("customer", "you told me to leave a message and nobody called me back"),
        ("agent", "i am sorry about that"),
        ("customer", "so i would like to know what happens next"),
    )

    assert why_not_gradable(transcript) is None


def test_someone_who_picks_up_after_the_announcement_makes_it_a_call() -> None:
    transcript = call(
        ("customer", "please leave a message after the tone"),
        ("agent", "hello this is the bank"),
        ("customer", "oh hello sorry i was outside what is it about"),
    )

    assert why_not_gradable(transcript) is None
