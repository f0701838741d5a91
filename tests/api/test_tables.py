"""What the command line prints of a decision."""

from typing import Any

import pytest

from greatrouter_api.tables import decision_table, suggestion_table, table


def answer(**classification: Any) -> dict[str, Any]:
    found = {
        "task": "text",
        "confidence": 0.999,
        "decision": "regex",
        "content_mode": "generate",
        "complexity_tier": "SIMPLE",
        "complexity_score": 0.1,
        "reasoning": "Matched the rule [text]",
    }
    choice = {
        "model": {"id": "lab/small"},
        "cost_tier": None,
        "estimated_cost_dollars": 0.5,
        "quality": 0.9996,
        "score": 0.9,
        "reason": "Best.",
    }
    names = ("cheapest_model", "best_value_model", "best_quality_model")
    return {
        "classification": found | classification,
        "optimization": "balanced",
        "suggestions": [choice],
        "price_comparison": dict.fromkeys(names, "lab/small") | {"savings_vs_highest_pct": 0.0},
        "model": {"model": {"id": "lab/small"}, "estimated_cost": 0.5},
        "routing": {"reason": "Best."},
    }


def test_no_chance_is_a_hundred_percent(capsys: pytest.CaptureFixture[str]) -> None:
    suggestion_table("hi", answer())
    decision_table([("hi", answer())])
    printed = capsys.readouterr().out
    assert "100%" not in printed
    assert printed.count("99%") == 3
    suggestion_table("hi", answer(confidence=1.0, decision="hint"))
    assert "100% sure, decided by hint" in capsys.readouterr().out


def test_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    suggestion_table("[/no] a [red]poem", answer())
    table("[/title]", ("name",), [("[/cell]",)])
    printed = capsys.readouterr().out
    assert all(words in printed for words in ("[/no] a [red]poem", "the rule [text]", "[/title]", "[/cell]"))
