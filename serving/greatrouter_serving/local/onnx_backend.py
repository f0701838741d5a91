"""Sentence embeddings on ONNX Runtime, one CPU thread, float32."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from greatrouter_serving.errors import InferenceFailed, InvalidInput, ModelLoadFailed
from greatrouter_serving.local.backend import Encoded, Floats, Ids, Traits, unit
from greatrouter_serving.local.bert_onnx import Encode
from greatrouter_serving.local.hub import ModelFiles, count_params, read_model
from greatrouter_serving.local.prepared import open_prepared
from greatrouter_serving.local.runtime import errors as ort_errors
from greatrouter_serving.local.runtime import onnxruntime

# Everything the runtime raises derives straight from Exception, one class per status code.
RUNTIME_ERRORS = tuple(
    error for error in vars(ort_errors).values() if isinstance(error, type) and issubclass(error, Exception)
)
TEXTS_PER_PORTION = 32


class OnnxBackend:
    """A BERT encoder with its pooling. Without a `prepared_dir` its graph is built at each start."""

    name = "onnx"

    def __init__(self, model: str, *, models_dir: Path | None = None, prepared_dir: Path | None = None) -> None:
        files = read_model(model, models_dir)
        self._pooling = files.pooling
        self._tokenizer = _open_tokenizer(files)
        self._encode = open_prepared(files, prepared_dir, lambda graph: _open_session(graph, files))
        opening, closing = self._opening, self._closing = self._markers()
        self.traits = Traits(
            dimensions=files.dimensions,
            max_tokens=files.max_tokens,
            vocabulary=files.vocabulary,
            params=count_params(files.weights),
            marker_ids=frozenset((*opening, *closing)),
            markers_per_text=len(opening) + len(closing),
            commonest_id=self._tokenizer.encode("the", add_special_tokens=False).ids[0],
        )

    def _markers(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before and after a text: [CLS] and [SEP] for BERT."""
        with_markers = self._tokenizer.encode("a").ids
        inside = self._tokenizer.encode("a", add_special_tokens=False).ids
        start = next(i for i in range(len(with_markers)) if with_markers[i : i + len(inside)] == inside)
        return with_markers[:start], with_markers[start + len(inside) :]

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[Ids]:
        # The one call that releases the GIL: `encode` held it for 204 ms on a text of 34,000 tokens, this for under 1.
        # In small portions, so that other threads get their turn in between.
        framed: list[Ids] = []
        for start in range(0, len(texts), TEXTS_PER_PORTION):
            portion = list(texts[start : start + TEXTS_PER_PORTION])
            encodings = self._tokenizer.encode_batch_fast(portion, add_special_tokens=False)
            framed.extend(self._framed(encoding.ids, max_tokens) for encoding in encodings)
        return framed

    def admit(self, ids: Sequence[int], max_tokens: int) -> Ids:
        wrong = next((i for i in ids if not 0 <= i < self.traits.vocabulary), None)
        if wrong is not None:
            raise InvalidInput(
                f"token id {wrong} is not in this model's vocabulary (0..{self.traits.vocabulary - 1}); "
                "send ids made by the model's own tokenizer, or send text",
                "input",
            )
        inside = list(ids)
        if inside[: len(self._opening)] == self._opening:
            inside = inside[len(self._opening) :]
        if self._closing and inside[-len(self._closing) :] == self._closing:
            inside = inside[: -len(self._closing)]
        return self._framed(inside, max_tokens)

    def _framed(self, inside: list[int], max_tokens: int) -> Ids:
        room = max(0, max_tokens - len(self._opening) - len(self._closing))
        return np.array([*self._opening, *inside[:room], *self._closing], dtype=np.int64)

    def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
        lengths = np.array([len(ids) for ids in batch])
        mask = np.arange(lengths.max()) < lengths[:, None]
        padded = np.zeros(mask.shape, dtype=np.int64)
        padded[mask] = np.concatenate(batch)
        states = self._encode(padded, mask.astype(np.int64))
        pooled = states[:, 0] if self._pooling == "cls" else _masked_mean(states, mask)
        tokens = [unit(states[row, :length]) for row, length in enumerate(lengths)] if want_tokens else None
        return Encoded(unit(pooled), tokens)

    def close(self) -> None:
        """Nothing to give back: the session's memory goes with the object."""


def _masked_mean(states: Floats, mask: np.typing.NDArray[np.bool_]) -> Floats:
    weights = mask.astype(np.float32)
    mean: Floats = np.einsum("bth,bt->bh", states, weights) / weights.sum(axis=1, keepdims=True)
    return mean


def _open_session(graph: bytes, files: ModelFiles) -> Encode:
    """A function from ids and mask [b, t] to states [b, t, hidden]; several threads may call it at once."""
    options = onnxruntime.SessionOptions()
    # With two threads on shared cores, throughput fell 6 to 37 times; spinning threads take what is left.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise ModelLoadFailed(f"ONNX Runtime cannot open the graph made from {files.folder}: {error}") from error

    def encode(ids: Ids, mask: Ids) -> Floats:
        try:
            states: Floats = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        except RUNTIME_ERRORS as error:
            raise InferenceFailed(f"ONNX Runtime failed on a batch of {ids.shape} tokens: {error}") from error
        return states

    return encode


def _open_tokenizer(files: ModelFiles) -> Tokenizer:
    """The tokenizer with its saved padding and truncation off: MiniLM's file pads every text to 128 tokens."""
    try:
        tokenizer = Tokenizer.from_buffer(files.tokenizer.read_bytes())
    except FileNotFoundError as error:
        raise ModelLoadFailed(f"{files.tokenizer} is missing; copy the model's whole folder again") from error
    except (OSError, ValueError) as error:
        raise ModelLoadFailed(
            f"{files.tokenizer} cannot be read ({error}); copy the model's whole folder again"
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
