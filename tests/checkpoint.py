"""Tiny Whisper checkpoints made here, so that the Whisper engine runs without a model from elsewhere.

They show that loading, windows, batches, times, words and errors work; not how well a real model hears.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whisper.model import Whisper

MARK = 0.02  # seconds between two time marks


def write_checkpoint(
    path: Path,
    *texts: str,
    language: str = "en",
    seconds: float = 2.0,
    starts_with: str | None = None,
    equally_likely: int = 1,
    unfinished: bool = False,
) -> Path:
    """Write a model that hears `texts` in every window, each for `seconds`, whatever the sound.

    Its positional embeddings outweigh everything else, so the token at each place is settled.

    Args:
        starts_with: "no speech": the model says that there likely is none.
        equally_likely: how many tokens are as probable as each one of the text.
        unfinished: the last of `texts` has no end: the window is full before it.
    """
    import torch
    from whisper.tokenizer import get_tokenizer

    model = _tiny_model()
    tokens: Any = get_tokenizer(True, num_languages=99, language=language)
    first = tokens.no_speech if starts_with == "no speech" else tokens.to_language_token(language)
    wanted, spoken = [first, first], []
    for place, text in enumerate(texts):
        spoken += tokens.encode(text)
        begin, end = (tokens.timestamp_begin + round(edge * seconds / MARK) for edge in (place, place + 1))
        wanted += [begin, *tokens.encode(text), end]
    wanted = [*wanted[: -1 if unfinished else None], tokens.eot]
    with torch.no_grad():
        embeddings = model.decoder.token_embedding.weight
        for index, token in enumerate(dict.fromkeys(spoken)):
            for twin in range(1, equally_likely):
                embeddings[40_000 + 50 * index + twin] = embeddings[token]
        for place, token in enumerate(wanted):
            model.decoder.positional_embedding[place] = 100 * embeddings[token]
    return _saved(model, path)


def write_listening_checkpoint(path: Path, *, words: int = 4, seconds: float = 2.0) -> Path:
    """Write a model whose words depend on the sound: other sounds, other (meaningless) words."""
    import torch
    from whisper.tokenizer import get_tokenizer

    model = _tiny_model()
    tokens: Any = get_tokenizer(True, num_languages=99, language="en")
    language, begin = tokens.to_language_token("en"), tokens.timestamp_begin
    settled = {0: language, 1: language, 2: begin, words + 3: begin + round(seconds / MARK), words + 4: tokens.eot}
    with torch.no_grad():
        for place, token in settled.items():
            model.decoder.positional_embedding[place] = 1000 * model.decoder.token_embedding.weight[token]
        model.decoder.ln.weight *= 3  # sure of its words
        model.encoder.positional_embedding *= 0.1
        for layer in (model.encoder.conv1, model.encoder.conv2):
            layer.weight *= 5
            layer.bias.zero_()
        for block in model.decoder.blocks:
            block.cross_attn.out.weight *= 20
            block.cross_attn.query.weight *= 5
            block.cross_attn.out.bias.zero_()
            block.cross_attn.value.bias.zero_()
    return _saved(model, path)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: several for so small a model mostly wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _tiny_model() -> Whisper:
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(1)
    size = {"n_mels": 80, "n_audio_ctx": 1500, "n_vocab": 51865, "n_text_ctx": 64}
    size |= {f"n_{part}_{what}": n for part in ("audio", "text") for what, n in (("state", 64), ("head", 2))}
    model = Whisper(ModelDimensions(**size, n_audio_layer=1, n_text_layer=2))
    with torch.no_grad():
        torch.nn.init.normal_(model.decoder.token_embedding.weight)
        model.decoder.positional_embedding.zero_()
    return model


def _saved(model: Whisper, path: Path) -> Path:
    import torch

    torch.save({"dims": asdict(model.dims), "model_state_dict": model.state_dict()}, path)
    return path
