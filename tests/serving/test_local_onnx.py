"""Finding a model, preparing its graph, and the graph against sentence-transformers."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from greatrouter_serving.errors import InferenceFailed, ModelLoadFailed
from greatrouter_serving.local import bert_numpy, bert_onnx
from greatrouter_serving.local.backend import Floats, Ids
from greatrouter_serving.local.hub import count_params, find_model, read_model
from greatrouter_serving.local.onnx_backend import OnnxBackend

HIDDEN, HEADS, LAYERS, INNER, WORDS, POSITIONS = 16, 2, 2, 32, 40, 24


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A random two-layer BERT with a whole folder around it: milliseconds to prepare."""
    folder = tmp_path / "models" / "lab" / "tiny"
    (folder / "1_Pooling").mkdir(parents=True)
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "intermediate_size": INNER,
        "vocab_size": WORDS,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
    }
    write_json(folder / "config.json", config)
    modules = [{"type": f"x.{kind}", "path": path} for kind, path in (("Transformer", ""), ("Pooling", "1_Pooling"))]
    write_json(folder / "modules.json", modules)
    write_json(
        folder / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    )
    write_json(folder / "tokenizer.json", tokenizer())
    save_file(random_weights(config), folder / "model.safetensors")
    return folder


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def tokenizer() -> dict[str, Any]:
    words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "the", *"abcdefghij"]
    markers = {name: {"id": name, "ids": [words.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    single = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    return {
        "version": "1.0",
        "truncation": {"max_length": 5, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": markers},
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "[UNK]"},
    }


def random_weights(config: dict[str, Any]) -> dict[str, Floats]:
    rng = np.random.default_rng(0)
    shapes = bert_onnx.expected_shapes(config)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_model_is_found_by_name_in_the_models_folder_and_by_path(tiny: Path) -> None:
    assert find_model("lab/tiny", tiny.parent.parent) == tiny
    assert find_model(str(tiny), None) == tiny


def test_the_packaged_model_is_found_without_importing_its_package(minilm: str) -> None:
    folder = find_model(minilm, None)
    assert (folder / "model.safetensors").is_file()
    assert count_params(folder / "model.safetensors") == 22_713_216


def test_a_missing_model_says_where_it_was_looked_for_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadFailed, match=r"no/such.*config\.json.*put the model's files there"):
        find_model("no/such", tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "1_Pooling/config.json"])
@pytest.mark.parametrize("content", [None, b"", b"not what it should be"])
def test_a_missing_or_damaged_file_is_named(tiny: Path, name: str, content: bytes | None) -> None:
    (tiny / name).unlink()
    if content is not None:
        (tiny / name).write_bytes(content)
    with pytest.raises(ModelLoadFailed, match=Path(name).name):
        OnnxBackend(str(tiny))


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("config.json", {"model_type": "t5"}, "model_type is 't5'"),
        ("config.json", {"hidden_act": "silu"}, "hidden_act is 'silu'"),
        ("config.json", {"num_hidden_layers": 3}, r"encoder\.layer\.2.* is missing"),
        ("config.json", {"hidden_size": 8}, r"is \(40, 16\), expected \(40, 8\)"),
        ("config.json", {"intermediate_size": 64}, "intermediate.dense"),
        ("config.json", {"num_attention_heads": 3}, "does not divide"),
        ("config.json", {"vocab_size": None}, "no vocab_size"),
        (
            "1_Pooling/config.json",
            {"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True},
            "only mean or cls",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(tiny: Path, file: str, change: dict[str, Any], message: str) -> None:
    write_json(tiny / file, json.loads((tiny / file).read_text()) | change)
    with pytest.raises(ModelLoadFailed, match=message):
        OnnxBackend(str(tiny))


def test_a_module_that_would_change_the_vectors_is_refused(tiny: Path) -> None:
    modules = json.loads((tiny / "modules.json").read_text())
    write_json(tiny / "modules.json", [*modules, {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}])
    with pytest.raises(ModelLoadFailed, match="Dense"):
        OnnxBackend(str(tiny))


@pytest.mark.parametrize("mode", [{"pooling_mode_cls_token": True}, {"pooling_mode": "cls"}])
def test_cls_pooling_takes_the_first_token(tiny: Path, mode: dict[str, Any]) -> None:
    write_json(tiny / "1_Pooling" / "config.json", mode)
    encoded = (backend := OnnxBackend(str(tiny))).forward(backend.tokenize(["a b c", "d"], 9), want_tokens=True)
    assert encoded.tokens is not None
    assert encoded.pooled == pytest.approx(np.stack([tokens[0] for tokens in encoded.tokens]), abs=1e-6)


def test_weights_with_a_prefix_and_in_half_precision_load_too(tiny: Path) -> None:
    plain = OnnxBackend(str(tiny))
    weights = {
        f"bert.{name}": tensor.astype(np.float16) for name, tensor in load_file(tiny / "model.safetensors").items()
    }
    save_file(weights, tiny / "model.safetensors")
    half = OnnxBackend(str(tiny))
    ids = plain.tokenize(["a b c d e f"], 16)
    assert half.forward(ids, want_tokens=False).pooled == pytest.approx(
        plain.forward(ids, want_tokens=False).pooled, abs=0.05
    )


def test_saved_truncation_of_the_tokenizer_does_not_apply(tiny: Path) -> None:
    backend = OnnxBackend(str(tiny))
    assert [len(ids) for ids in backend.tokenize(["a b c d e f g h"], 24)] == [10]


def test_the_graph_is_prepared_once_and_reused(tiny: Path, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    first = OnnxBackend(str(tiny), prepared_dir=prepared)
    files = sorted(prepared.iterdir())
    assert [file.suffix for file in files] == [".json", ".onnx"]
    written = [file.stat().st_mtime_ns for file in files]
    second = OnnxBackend(str(tiny), prepared_dir=prepared)
    assert [file.stat().st_mtime_ns for file in sorted(prepared.iterdir())] == written
    ids = first.tokenize(["a b c"], 9)
    assert np.array_equal(first.forward(ids, want_tokens=False).pooled, second.forward(ids, want_tokens=False).pooled)


@pytest.mark.parametrize("suffix", [".onnx", ".json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_prepared_file_is_made_again(tiny: Path, tmp_path: Path, suffix: str, damage: str) -> None:
    prepared = tmp_path / "prepared"
    OnnxBackend(str(tiny), prepared_dir=prepared)
    intact = {file.name: file.read_bytes() for file in prepared.iterdir()}
    [target] = prepared.glob(f"*{suffix}")
    if damage == "gone":
        target.unlink()
    else:
        content = intact[target.name]
        target.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x01" + content[1:])
    OnnxBackend(str(tiny), prepared_dir=prepared)
    assert {file.name: file.read_bytes() for file in prepared.iterdir()} == intact


def test_new_weights_get_a_file_of_their_own(tiny: Path, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    OnnxBackend(str(tiny), prepared_dir=prepared)
    weights = load_file(tiny / "model.safetensors")
    save_file({name: tensor * 2 for name, tensor in weights.items()}, tiny / "model.safetensors")
    OnnxBackend(str(tiny), prepared_dir=prepared)
    assert len(list(prepared.glob("*.onnx"))) == 2


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelLoadFailed, match="cannot write the prepared model"):
        OnnxBackend(str(tiny), prepared_dir=tmp_path / "file" / "prepared")


def test_a_graph_that_disagrees_with_the_weights_is_refused(tiny: Path) -> None:
    files = read_model(str(tiny), None)
    weights = bert_onnx.read_weights(files)

    def noisy(ids: Ids, mask: Ids) -> Floats:
        rows = [bert_numpy.reference_forward(files.config, weights, row) for row in ids]
        return np.stack(rows) + np.random.default_rng(1).normal(0, 0.3, (*ids.shape, HIDDEN)).astype(np.float32)

    with pytest.raises(ModelLoadFailed, match="disagrees with its weights"):
        bert_numpy.check_parity(files, weights, noisy)
    with pytest.raises(ModelLoadFailed, match="disagrees with its weights"):
        bert_numpy.check_parity(files, weights, lambda ids, mask: np.full((*ids.shape, HIDDEN), np.nan, np.float32))


def test_a_batch_the_runtime_refuses_is_an_inference_failure(tiny: Path) -> None:
    backend = OnnxBackend(str(tiny))
    with pytest.raises(InferenceFailed, match="ONNX Runtime failed"):
        backend.forward([np.zeros(POSITIONS + 1, dtype=np.int64)], want_tokens=False)


@pytest.fixture(scope="module")
def sentence_transformer(minilm: str) -> Any:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sentence_transformers.SentenceTransformer(str(find_model(minilm, None)), device="cpu")


def worst_cosine(backend: OnnxBackend, original: Any, length: int) -> float:
    """Over random ids of one length, and the same text padded in a batch of twice its length."""
    import torch

    ids = np.random.default_rng(length).integers(1000, backend.traits.vocabulary, (2, length)).astype(np.int64)
    longer = np.resize(ids[0], min(2 * length, backend.traits.max_tokens))
    with torch.no_grad():
        features = {"input_ids": torch.tensor(ids), "attention_mask": torch.ones_like(torch.tensor(ids))}
        expected = original(features)["sentence_embedding"].numpy()
    got = backend.forward([ids[0], ids[1], longer], want_tokens=False).pooled[:2]
    return float(np.min(np.sum(expected * got, axis=1)))


def test_vectors_equal_those_of_sentence_transformers(onnx_backend: OnnxBackend, sentence_transformer: Any) -> None:
    for length in (*range(1, 13), 17, 32, 33, 64, 129, 256):
        assert worst_cosine(onnx_backend, sentence_transformer, length) > 0.99999, length


@pytest.mark.slow
def test_vectors_equal_at_every_length(onnx_backend: OnnxBackend, sentence_transformer: Any) -> None:
    for length in range(1, onnx_backend.traits.max_tokens + 1):
        assert worst_cosine(onnx_backend, sentence_transformer, length) > 0.99999, length


def test_texts_are_read_as_sentence_transformers_reads_them(
    onnx_backend: OnnxBackend, sentence_transformer: Any
) -> None:
    texts = ["Hello, World!", "naïve café in 東京", "word " * 400, "emoji 🙂 and\ttabs\n", "a" * 150]
    expected = sentence_transformer.encode(texts, batch_size=1)
    got = onnx_backend.forward(onnx_backend.tokenize(texts, 256), want_tokens=False).pooled
    assert np.sum(expected * got, axis=1) == pytest.approx(1, abs=1e-5)
