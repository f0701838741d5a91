"""Writes the ONNX graph of a BERT encoder straight from its configuration and weights.

An export through torch would cost 1.4 GB of memory and a 5.5 s import, and one such export of a stock BertModel was
measured to give wrong vectors (cosine 0.88) without any error. This graph is small enough to write by hand, and a
second reading of the same weights in NumPy checks it before it is used.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError
from safetensors.numpy import load_file

from greatrouter_serving.errors import ModelLoadFailed
from greatrouter_serving.local.backend import Floats, Ids
from greatrouter_serving.local.hub import ModelFiles

# Raise it when the graph changes: a file prepared by another version is then not used.
GRAPH_VERSION = 1
# LayerNormalization came with opset 17, Gelu with 20. ONNX Runtime fuses this form as well as its own Attention
# operator: both 196 texts/s at 16 tokens and 30 at 8 x 128, one thread.
OPSET, IR_VERSION = 20, 10
# Added to the scores of padding before the softmax; exp(-30000) is 0 in float32.
MASKED = -30_000.0
ACTIVATIONS = {"gelu": "Gelu", "relu": "Relu"}

Weights = Mapping[str, Floats]
Encode = Callable[[Ids, Ids], Floats]


def read_weights(files: ModelFiles) -> dict[str, Floats]:
    """The encoder's tensors as float32, without the `bert.` prefix that some checkpoints carry."""
    _check_supported(files)
    try:
        tensors = load_file(files.weights)
    except FileNotFoundError as error:
        raise ModelLoadFailed(f"{files.weights} is missing; copy the model's whole folder again") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelLoadFailed(
            f"{files.weights} cannot be read ({error}); copy the model's whole folder again"
        ) from error
    weights = {
        name.removeprefix("bert."): np.asarray(tensor, dtype=np.float32)
        for name, tensor in tensors.items()
        if np.issubdtype(tensor.dtype, np.floating)
    }
    for name, shape in expected_shapes(files.config).items():
        found = weights[name].shape if name in weights else "missing"
        if found != shape:
            raise ModelLoadFailed(
                f"{files.weights}: tensor {name} is {found}, expected {shape}; it is not the model that config.json "
                "describes. Copy the model's whole folder again"
            )
    return weights


def expected_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor that the encoder needs (PyTorch's layout: a dense matrix is [out, in])."""
    hidden, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (int(config["vocab_size"]), hidden),
        "embeddings.position_embeddings.weight": (int(config["max_position_embeddings"]), hidden),
        "embeddings.token_type_embeddings.weight": (int(config["type_vocab_size"]), hidden),
    }
    norms: list[str] = ["embeddings.LayerNorm"]
    matrices: dict[str, tuple[int, ...]] = {}
    for layer in range(int(config["num_hidden_layers"])):
        prefix = f"encoder.layer.{layer}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        matrices |= {f"{prefix}.attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")}
        matrices[f"{prefix}.attention.output.dense"] = (hidden, hidden)
        matrices[f"{prefix}.intermediate.dense"] = (inner, hidden)
        matrices[f"{prefix}.output.dense"] = (hidden, inner)
    for name, shape in [*((name, (hidden,)) for name in norms), *matrices.items()]:
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes


def _check_supported(files: ModelFiles) -> None:
    config, path = files.config, files.folder / "config.json"
    wanted = {
        "model_type": ("bert",),
        "hidden_act": tuple(ACTIVATIONS),
        "position_embedding_type": ("absolute", None),
    }
    for key, allowed in wanted.items():
        if config.get(key) not in allowed:
            names = ", ".join(str(value) for value in allowed if value)
            raise ModelLoadFailed(
                f"{path}: {key} is {config.get(key)!r}, but only {names} can be served on ONNX Runtime"
            )
    if config["hidden_size"] % config["num_attention_heads"]:
        raise ModelLoadFailed(f"{path}: num_attention_heads does not divide hidden_size; copy the file again")


def build_graph(config: Mapping[str, Any], weights: Weights) -> bytes:
    """The serialised graph, from `input_ids` and `attention_mask` [b, t] to `last_hidden_state` [b, t, hidden]."""
    writer = _Writer(config, weights)
    state = writer.embeddings()
    mask = writer.additive_mask()
    for layer in range(int(config["num_hidden_layers"])):
        state = writer.layer(f"encoder.layer.{layer}", state, mask)
    writer.node("Identity", [state], "last_hidden_state")
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")]
    shape: list[str | int | None] = ["b", "t", int(config["hidden_size"])]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(writer.nodes, "bert", inputs, outputs, writer.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))


class _Writer:
    """Collects nodes and tensors; every method returns the name of the value it adds."""

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._weights = weights
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._activation = ACTIVATIONS[config["hidden_act"]]
        self._hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        self.tensor("split_heads", np.array([0, 0, heads, self._hidden // heads], np.int64))
        self.tensor("join_heads", np.array([0, 0, self._hidden], np.int64))
        self.tensor("scale", np.float32(math.sqrt(self._hidden // heads)))

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def tensor(self, name: str, value: Any) -> str:
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(value) if np.ndim(value) else value, name))
        return name

    def norm(self, value: str, prefix: str) -> str:
        parts = [self.tensor(f"{prefix}.{part}", self._weights[f"{prefix}.{part}"]) for part in ("weight", "bias")]
        return self.node("LayerNormalization", [value, *parts], f"{prefix}.out", axis=-1, epsilon=self._epsilon)

    def dense(self, value: str, prefix: str) -> str:
        matrix = self.tensor(f"{prefix}.matrix", self._weights[f"{prefix}.weight"].T)
        bias = self.tensor(f"{prefix}.bias", self._weights[f"{prefix}.bias"])
        return self.node("Add", [self.node("MatMul", [value, matrix], f"{prefix}.product"), bias], f"{prefix}.out")

    def embeddings(self) -> str:
        """Words plus positions. Texts come alone, never in pairs, so segment 0 is folded into the positions."""
        words = self.tensor("words", self._weights["embeddings.word_embeddings.weight"])
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        positions = self.tensor("positions", self._weights["embeddings.position_embeddings.weight"] + segment)
        zero = self.tensor("zero", np.array([0], np.int64))
        length = self.node("Shape", ["input_ids"], "length", start=1, end=2)
        placed = self.node("Slice", [positions, zero, length, zero], "placed")
        value = self.node("Add", [self.node("Gather", [words, "input_ids"], "looked_up"), placed], "embedded")
        return self.norm(value, "embeddings.LayerNorm")

    def additive_mask(self) -> str:
        """float32 [b, 1, 1, t]: 0 for text, MASKED for padding."""
        one, masked = self.tensor("one", np.float32(1)), self.tensor("masked", np.float32(MASKED))
        padding = self.node(
            "Sub", [one, self.node("Cast", ["attention_mask"], "kept", to=TensorProto.FLOAT)], "padding"
        )
        axes = self.tensor("mask_axes", np.array([1, 2], np.int64))
        return self.node("Unsqueeze", [self.node("Mul", [padding, masked], "penalty"), axes], "mask")

    def layer(self, prefix: str, state: str, mask: str) -> str:
        attended = self.dense(
            self.attention(f"{prefix}.attention.self", state, mask), f"{prefix}.attention.output.dense"
        )
        state = self.node("Add", [attended, state], f"{prefix}.attended")
        state = self.norm(state, f"{prefix}.attention.output.LayerNorm")
        inner = self.node(self._activation, [self.dense(state, f"{prefix}.intermediate.dense")], f"{prefix}.inner")
        state = self.node("Add", [self.dense(inner, f"{prefix}.output.dense"), state], f"{prefix}.sum")
        return self.norm(state, f"{prefix}.output.LayerNorm")

    def attention(self, prefix: str, state: str, mask: str) -> str:
        def heads(part: str, order: Sequence[int]) -> str:
            split = self.node(
                "Reshape", [self.dense(state, f"{prefix}.{part}"), "split_heads"], f"{prefix}.{part}.split"
            )
            return self.node("Transpose", [split], f"{prefix}.{part}.heads", perm=order)

        query, key, value = heads("query", (0, 2, 1, 3)), heads("key", (0, 2, 3, 1)), heads("value", (0, 2, 1, 3))
        scores = self.node("Div", [self.node("MatMul", [query, key], f"{prefix}.dots"), "scale"], f"{prefix}.scaled")
        chances = self.node(
            "Softmax", [self.node("Add", [scores, mask], f"{prefix}.scores")], f"{prefix}.chances", axis=-1
        )
        mixed = self.node("MatMul", [chances, value], f"{prefix}.mixed")
        mixed = self.node("Transpose", [mixed], f"{prefix}.merged", perm=(0, 2, 1, 3))
        return self.node("Reshape", [mixed, "join_heads"], f"{prefix}.out")
