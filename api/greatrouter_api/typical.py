"""A usual request of each kind, priced where nobody says what the prompt is."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from greatrouter_api.decision import Matter
from greatrouter_api.schemas import Asked
from greatrouter_catalog.arrays import MODALITIES, mask
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.taxonomy import TASK_TYPES, TASK_TYPES_OF
from greatrouter_classifier.classification import Task
from greatrouter_ranking.profile import Expected

# 100 characters, 25 tokens.
SENTENCE = "Please help me with this small piece of work, as I need it for tomorrow morning, and keep it short. "
PROMPT = SENTENCE * 3
# Where the size of a request does not follow from its prompt, that by which the price tiers are cut (`NOMINAL_UNITS`):
# a paragraph of 500 characters read aloud, a minute of recording, ten texts of 100 tokens, a search over 50 documents.
_INPUT: dict[str, dict[str, Any]] = {
    "text_to_speech": {"input": SENTENCE * 5},
    "speech_to_text": {"file": "recording"},
    "embeddings": {"input": [SENTENCE * 4] * 10},
    "rerank": {"query": SENTENCE, "documents": [PROMPT] * 50},
}


def typical(kind: str, prompt: str = "") -> Matter:
    """What a request of the registry task type `kind` is usually about; `prompt`, where there is one, stays."""
    said = prompt if prompt.strip() else PROMPT
    speech = kind in TASK_TYPES_OF[Task.SPEECH]
    output = mask([TASK_TYPES[kind].output_modality], MODALITIES) if speech else 0
    # A recording is never in the prompt; what is to be read, embedded or ranked may be.
    given = _INPUT.get(kind, {}) if said is PROMPT or kind == "speech_to_text" else {}
    return Matter(said, given, output=output)


def kind_asked(request: Asked, catalog: Catalog) -> str:
    """The registry task type of a request without a prompt: text where it names neither task nor model nor branch."""
    if request.task is not None:
        return TASK_TYPES_OF[request.task][0]
    if request.model is not None and (rows := catalog.find(request.model)):
        return catalog.model(rows[0]).task_type
    branch = request.taxonomy or (request.catalog_family or "").partition("/")[0]
    return next((kind.name for kind in TASK_TYPES.values() if kind.taxonomy == branch), "text_generation")


def priced_for(expected: Expected, *, is_typical: bool) -> Mapping[str, Any]:
    """What the estimated costs are for: the units that are not 0, and whether they are only the usual ones."""
    units = {name: float(amount) if name == "seconds" else amount for name, amount in asdict(expected).items()}
    return {"typical": is_typical, **{name: amount for name, amount in units.items() if amount}}
