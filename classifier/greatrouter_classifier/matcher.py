"""Finds which rules fire on a prompt, in time linear in its length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import re2

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.courtesy import requests

# An instruction stands at the beginning of a prompt or at its end; what lies between is a quoted document, which must
# not decide the task. These ends keep 99% of the prompts of public collections whole, and they bound the work.
HEAD_CHARS = 1_000
TAIL_CHARS = 500

# An automaton builds its states as texts need them and drops them all when this is full. Were it too small for even a
# few states, RE2 would answer "nothing matches" without an error.
AUTOMATON_MEMORY_BYTES = 16 * 1024 * 1024


# Their rules are written in their own script, so none can match plain ASCII: most prompts are not searched for them.
OTHER_SCRIPTS = frozenset({"ar", "hi", "ja", "ko", "ru", "zh"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    `name` is task.what.language and unique. `pattern` is RE2 syntax, matched in any case and anywhere in what
    `courtesy.requests` makes of the prompt; the rule is silent where one of `unless` matches too. `confidence` is the
    rule's measured precision. `example` is a sentence that this rule decides.
    """

    name: str
    task: Task
    pattern: str
    confidence: float
    example: str
    content_mode: ContentMode = ContentMode.GENERATE
    unless: tuple[str, ...] = ()
    language: str = "en"


class RuleMatcher:
    """Safe to share between threads: nothing in it changes after construction."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Raises ValueError where a pattern is not RE2 syntax (RE2 has no lookaround and no backreferences)."""
        self._rules = tuple(rules)
        self._places: dict[str, list[int]] = {}
        patterns: dict[tuple[str, str], list[str]] = {}
        guards: dict[str, list[str]] = {}
        for place, rule in enumerate(self._rules):
            _check(rule)
            self._places.setdefault(rule.pattern, []).append(place)
            patterns.setdefault(_kind(rule), []).append(rule.pattern)
            guards.setdefault(rule.language, []).extend(rule.unless)
        automata = {kind: _Automaton(group) for kind, group in patterns.items()}
        self._any_script = list(automata.values())
        self._latin = [automaton for (language, _), automaton in automata.items() if language not in OTHER_SCRIPTS]
        self._guards = {language: _Automaton(group) for language, group in guards.items()}

    def match(self, prompt: str) -> Rule | None:
        """The rule of the highest confidence among those that fire, the first of the table where they tie."""
        return max(self.fired(prompt), key=lambda rule: rule.confidence, default=None)

    def fired(self, prompt: str) -> list[Rule]:
        """Every rule that fires, in the order of the table."""
        text = _searched(prompt)
        automata = self._latin if text.isascii() else self._any_script
        places = [place for pattern in _hits(automata, text) for place in self._places[pattern]]
        if not places:
            return []
        rules = [self._rules[place] for place in sorted(places)]
        silenced = frozenset(_hits([self._guards[language] for language in {rule.language for rule in rules}], text))
        return [rule for rule in rules if silenced.isdisjoint(rule.unless)]


class _Automaton:
    """Patterns that are matched together, in one pass."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = list(dict.fromkeys(patterns))
        self._set = re2.Set.SearchSet(_options())
        for pattern in self._patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def hits(self, text: bytes) -> list[str]:
        """The patterns that match."""
        return [self._patterns[index] for index in self._set.Match(text) or ()]


def _hits(automata: Iterable[_Automaton], text: bytes) -> list[str]:
    return [pattern for automaton in automata for pattern in automaton.hits(text)]


def _kind(rule: Rule) -> tuple[str, str]:
    """What is matched together: a language, and of English, the largest, patterns that begin alike.

    The states of patterns that begin differently multiply: on prompts never seen before, all patterns in one automaton
    cost 530 us a prompt, and grouped so 120 us (of which 25 us are `requests`).
    """
    if rule.language != "en":
        return rule.language, ""
    return rule.language, rule.pattern[:2] if rule.pattern.startswith((r"\A", "(?m:^)")) else ""


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = AUTOMATON_MEMORY_BYTES
    return options


def _check(rule: Rule) -> None:
    for pattern in (rule.pattern, *rule.unless):
        try:
            re2.compile(pattern, _options())
        except re2.error as error:
            raise ValueError(f"Rule {rule.name!r}: {error}. Write {pattern!r} in RE2 syntax.") from error


def _searched(prompt: str) -> bytes:
    """The part of the prompt that is searched, as UTF-8; a lone surrogate becomes a question mark."""
    if len(prompt) > HEAD_CHARS + TAIL_CHARS:
        prompt = f"{prompt[:HEAD_CHARS]}\n{prompt[-TAIL_CHARS:]}"
    return requests(prompt.replace("\u2019", "'")).encode("utf-8", "replace")
