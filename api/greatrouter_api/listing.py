"""`GET /v1/models`: the whole catalog, one object a model, filtered by the query."""

from collections.abc import Callable, Mapping, Sequence

from greatrouter_api.errors import ApiError
from greatrouter_api.services import Services
from greatrouter_catalog.model import Model
from greatrouter_catalog.taxonomy import TASK_TYPES, TASKS, VISIBILITIES

# How a filter's value compares with a model. A capability filter names all that the model must have.
FILTERS: Mapping[str, Callable[[Model, str], bool]] = {
    "task": lambda model, value: value in model.tasks,
    "task_type": lambda model, value: model.task_type == value,
    "provider": lambda model, value: model.provider == value,
    "category": lambda model, value: model.category == value,
    "capabilities": lambda model, value: {name.strip() for name in value.split(",")} <= set(model.capabilities),
    "type": lambda model, value: model.hosted == (value == "hosted"),
    "catalog_family": lambda model, value: model.family == value,
    "catalog_visibility": lambda model, value: model.visibility == value,
    "routable_only": lambda model, value: model.routable or value == "false",
}
ALLOWED: Mapping[str, Sequence[str]] = {
    "task": TASKS,
    "task_type": tuple(TASK_TYPES),
    "type": ("hosted", "proxied"),
    "catalog_visibility": VISIBILITIES,
    "routable_only": ("true", "false"),
}


def rows(services: Services, query: Mapping[str, str]) -> list[object]:
    """The models that pass every filter, in the catalog's order; the endpoints of one id are one object.

    Raises `ApiError` 400 for a value that no model can have.
    """
    wanted = {name: value for name, value in query.items() if name in FILTERS and value}
    for name, value in wanted.items():
        if name in ALLOWED and value not in ALLOWED[name]:
            raise ApiError(400, f"{name} is {value!r}; allowed: {', '.join(ALLOWED[name])}", param=name)
    found: dict[str, list[int]] = {}
    for row in range(len(services.catalog)):
        model = services.catalog.model(row)
        if all(FILTERS[name](model, value) for name, value in wanted.items()):
            found.setdefault(model.id, []).append(row)
    return [
        services.view.listed(endpoints[0]) if len(endpoints) == 1 else model_object(services, endpoints)
        for endpoints in found.values()
    ]


def model_object(services: Services, endpoints: Sequence[int]) -> dict[str, object]:
    """One model with all its endpoints: the first's fields, the tasks and the availability of all."""
    found = services.view.full(endpoints[0])
    if len(endpoints) == 1:
        return found
    models = [services.catalog.model(row) for row in endpoints]
    return found | {
        "tasks": list(dict.fromkeys(task for model in models for task in model.tasks)),
        "available": any(bool(services.available[row]) for row in endpoints),
        "endpoints": [services.view.endpoint(row) for row in endpoints],
    }
