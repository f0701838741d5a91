"""The table of rules and its matcher: what each rule decides, what none may decide, and any input at all."""

import dataclasses
import doctest
import functools
import random
import re
from collections import Counter
from types import ModuleType

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_classifier import courtesy
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import HEAD_CHARS, OTHER_SCRIPTS, TAIL_CHARS, Rule, RuleMatcher
from greatrouter_classifier.rules import RULES, fragments

LANGUAGES = ("en", "hi", "zh", "es", "fr", "de", "pt", "ja", "ko", "ru", "ar", "it")
COVERED = (Task.IMAGE, Task.VIDEO, Task.MUSIC, Task.SPEECH, Task.CODE, Task.WEB_SEARCH, Task.TEXT)

# What each prompt asks for, although it names something else. A rule may stay silent, but none may say otherwise.
HARD_NEGATIVES = (
    ("Write an essay about photography", Task.TEXT),
    ("ffmpeg command to cut a video", Task.CODE),
    ("how do I draw a cat", Task.TEXT),
    ("what is the history of music videos", Task.TEXT),
    ("write a prompt for midjourney", Task.TEXT),
    ("write lyrics for a country song", Task.TEXT),
    ("write a python script that generates images", Task.CODE),
    ("explain how image generation works", Task.TEXT),
    ("write a story about a painter", Task.TEXT),
    ("summarize this video transcript", Task.TEXT),
    ("what song is this", Task.TEXT),
    ("draw a conclusion from these results", Task.TEXT),
    ("paint me a picture of the economic situation", Task.TEXT),
    ("describe this image", Task.TEXT),
    ("write alt text for this photo", Task.TEXT),
    ("create a marketing plan for a photo studio", Task.TEXT),
    ("create a storyboard for a video about tea", Task.TEXT),
    ("write a script for a cooking video", Task.TEXT),
    ("give a speech about courage", Task.TEXT),
    ("write a speech for my sister's wedding", Task.TEXT),
    ("how does text to speech work?", Task.TEXT),
    ("what is an embedding?", Task.TEXT),
    ("rank these movies from best to worst", Task.TEXT),
    ("sort this list of names alphabetically", Task.TEXT),
    ("the current flowing through a resistor is 2 A, what is the voltage?", Task.TEXT),
    ("how are you today?", Task.TEXT),
    ("what should I cook tonight?", Task.TEXT),
    ("write a poem about the weather", Task.TEXT),
    ("write a news article about an invented election", Task.TEXT),
    ("what does 'breaking news' mean", Task.TEXT),
    ("translate the latest news into French", Task.TEXT),
    ("make me a playlist for running", Task.TEXT),
    ("compose a tweet about our new soundtrack", Task.TEXT),
    ("create a character for my novel who paints portraits", Task.TEXT),
    ("give me feedback on my painting", Task.TEXT),
    ("replace the word happy in this sentence", Task.TEXT),
    ("change the tone of this email to be more formal", Task.TEXT),
    ("remove the second paragraph from this essay", Task.TEXT),
    ("create an image gallery with html and css", Task.CODE),
    ("use opencv to remove the background of an image", Task.CODE),
    ("build an app that transcribes audio", Task.CODE),
    ("write code that reads a file aloud", Task.CODE),
    ("write the label of a wine called Elixir of Elegance", Task.TEXT),
    ("draw up a contract for a photographer", Task.TEXT),
    ("make a picture frame out of driftwood", Task.TEXT),
    ("what is the difference between a gif and a video", Task.TEXT),
    ("generate a title for my song", Task.TEXT),
    ("how to edit videos in a phone app", Task.TEXT),
    ("Escribe un guion para un video de cocina", Task.TEXT),
    ("Dame una descripción de esta imagen", Task.TEXT),
    ("Écris les paroles d'une chanson d'amour", Task.TEXT),
    ("Résume la transcription de cette vidéo", Task.TEXT),
    ("Wie zeichne ich eine Katze?", Task.TEXT),
    ("Schreibe eine Bildbeschreibung zu diesem Foto", Task.TEXT),
    ("Faça uma lista dos melhores filmes de terror", Task.TEXT),
    ("Scrivi uno script Python che genera immagini", Task.CODE),
    ("Напиши текст песни о любви", Task.TEXT),
    ("Как нарисовать кота?", Task.TEXT),
    ("اشرح كيف يعمل توليد الصور", Task.TEXT),
    ("बिल्ली का चित्र कैसे बनाएं?", Task.TEXT),
    ("怎么画一只猫？", Task.TEXT),
    ("写一个烹饪视频的脚本", Task.TEXT),
    ("画像生成の仕組みを説明して", Task.TEXT),
    ("料理動画の台本を書いて", Task.TEXT),
    ("이 영상의 내용을 요약해 줘", Task.TEXT),
    ("고양이를 어떻게 그려?", Task.TEXT),
)

# The same request behind what people say first.
POLITE = (
    ("Generate an image of a lighthouse", "image.make.en"),
    ("Hi! Could you please generate an image of a lighthouse?", "image.make.en"),
    ("I want you to generate an image of a lighthouse.", "image.make.en"),
    ("I have a favour to ask. Can you generate an image of a lighthouse for me", "image.make.en"),
    ("¿Me podrías crear una imagen de un faro?", "image.make.es"),
    ("Bonjour, j'aimerais que tu dessines un phare. Dessine un phare en hiver.", "image.draw.fr"),
    ("你好，请帮我画一只狐狸", "image.draw.zh"),
)


@pytest.fixture(scope="module")
def matcher() -> RuleMatcher:
    return RuleMatcher(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_decides_its_example(matcher: RuleMatcher, rule: Rule) -> None:
    decided = matcher.match(rule.example)

    assert rule in matcher.fired(rule.example)
    assert decided is not None
    assert (decided.task, decided.content_mode) == (rule.task, rule.content_mode)


def test_names_are_unique_and_say_task_and_language() -> None:
    repeated = [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1]

    assert repeated == []
    for rule in RULES:
        assert rule.name.split(".")[0] == rule.task.value
        assert rule.name.split(".")[-1] == rule.language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_rules_for_the_everyday_tasks(language: str) -> None:
    tasks = {rule.task for rule in RULES if rule.language == language}

    assert tasks >= set(COVERED)


def test_every_task_and_mode_has_a_rule() -> None:
    assert {rule.task for rule in RULES} == set(Task)
    assert {rule.content_mode for rule in RULES if rule.task is Task.IMAGE} == set(ContentMode)


def test_confidence_is_high_but_never_certainty() -> None:
    assert all(0.9 <= rule.confidence <= 0.99 for rule in RULES)


@pytest.mark.parametrize(("prompt", "task"), HARD_NEGATIVES)
def test_what_a_prompt_merely_names_does_not_decide(matcher: RuleMatcher, prompt: str, task: Task) -> None:
    decided = matcher.match(prompt)

    assert decided is None or decided.task is task, decided


@pytest.mark.parametrize(("prompt", "name"), POLITE)
def test_courtesies_change_nothing(matcher: RuleMatcher, prompt: str, name: str) -> None:
    decided = matcher.match(prompt)

    assert decided is not None
    assert decided.name == name


def test_a_typographic_apostrophe_is_an_apostrophe(matcher: RuleMatcher) -> None:
    assert matcher.match("what’s the weather in Oslo today?") is not None


@pytest.mark.parametrize("prompt", ["yes", "continue", "make it bluer", "make it red", "thanks!", "the second one", ""])
def test_follow_ups_are_left_to_the_session(matcher: RuleMatcher, prompt: str) -> None:
    assert matcher.match(prompt) is None


def test_the_highest_confidence_wins_and_then_the_order() -> None:
    first = Rule("text.a.en", Task.TEXT, "apple", 0.95, "apple")
    second = Rule("code.b.en", Task.CODE, "pear", 0.95, "pear")
    best = Rule("image.c.en", Task.IMAGE, "plum", 0.99, "plum")
    matcher = RuleMatcher([first, second, best])

    assert matcher.match("pear, apple, plum") == best
    assert matcher.match("pear, apple") == first
    assert matcher.fired("plum pear apple") == [first, second, best]
    assert matcher.match("cherry") is None


def test_a_rule_is_silent_where_one_of_its_guards_matches() -> None:
    rule = Rule("image.a.en", Task.IMAGE, "draw", 0.95, "draw", unless=("conclusion", "curtains?"))
    matcher = RuleMatcher([rule])

    assert matcher.match("Draw a cat") == rule
    assert matcher.match("Draw a CONCLUSION") is None
    assert matcher.match("Draw the curtain") is None


def test_no_rules_match_nothing() -> None:
    assert RuleMatcher([]).match("Draw a cat") is None


@pytest.mark.parametrize("pattern", ["(?<=a)b", r"(a)\1", "(unclosed"])
def test_a_pattern_that_is_not_re2_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"text\.a\.en.*RE2"):
        RuleMatcher([Rule("text.a.en", Task.TEXT, pattern, 0.95, "a")])


def test_every_pattern_compiles_alone() -> None:
    for rule in RULES:
        for pattern in (rule.pattern, *rule.unless):
            re2.compile(pattern)


def test_a_quoted_document_does_not_decide(matcher: RuleMatcher) -> None:
    document = "The harbour was quiet that morning and nobody spoke. " * 100
    request = "Generate an image of a lighthouse."

    assert matcher.match(f"{document}\n{request}\n{document}") is None
    for prompt in (f"{request}\n{document}", f"{document}\n{request}"):
        decided = matcher.match(prompt)
        assert decided is not None
        assert decided.task is Task.IMAGE


@functools.cache
def adversarial_prompts() -> list[str]:
    """Texts of 100,000 characters that make automata build many states, or backtracking matchers explode."""
    chance = random.Random(7)
    words = [word for rule in RULES for word in re.findall(r"[^\W\d_]{3,}", rule.pattern)]
    spaceless = [word for word in words if ord(word[0]) > 0x3000]
    return [
        " ".join(chance.choices(words, k=20_000)),
        "\n".join(" ".join(chance.choices(words, k=8)) for _ in range(3_000)),
        "".join(chance.choices(spaceless, k=30_000)),
        "".join(chr(chance.randrange(0x30000)) for _ in range(100_000)),
        "please " * 15_000,
        "create a " * 12_000,
        "a" * 100_000,
        "\n" * 100_000,
        "((((" * 25_000,
        "please," + "!" * 100_000,
    ]


@pytest.fixture(scope="module")
def unguarded() -> RuleMatcher:
    return RuleMatcher([dataclasses.replace(rule, unless=()) for rule in RULES])


@pytest.mark.parametrize("number", range(10))
def test_adversarial_input_is_answered_and_hides_nothing(unguarded: RuleMatcher, number: int) -> None:
    """An automaton out of memory would find nothing, without an error."""
    filler = adversarial_prompts()[number]

    names = [rule.name for rule in unguarded.fired(f"Generate an image of a lighthouse.\n{filler}")]

    assert "image.make.en" in names


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=HEAD_CHARS + TAIL_CHARS + 50)
REQUESTS = st.sampled_from([rule.example for rule in RULES])


@settings(max_examples=200, deadline=None)
@given(st.one_of(ANYTHING, st.builds("{}{}{}".format, ANYTHING, REQUESTS, ANYTHING)))
def test_any_text_gets_the_same_answer_twice(matcher: RuleMatcher, prompt: str) -> None:
    fired = matcher.fired(prompt)
    best = max((rule.confidence for rule in fired), default=None)

    assert matcher.fired(prompt) == fired
    assert matcher.match(prompt) == next((rule for rule in fired if rule.confidence == best), None)


@pytest.mark.parametrize("prompt", ["\ud800", "draw a \udfff cat", "\x00", "draw\x00 a cat", "\ufeff", "\U0010ffff"])
def test_odd_characters_are_read(matcher: RuleMatcher, prompt: str) -> None:
    assert matcher.match(prompt) == matcher.match(prompt)


@given(
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=6),
    st.text("abcd", min_size=1, max_size=5),
)
def test_a_gap_crosses_every_word_but_the_stops(stops: list[str], word: str) -> None:
    pattern = re2.compile("make" + fragments.gap(", ".join(stops)) + "hat")

    assert bool(pattern.fullmatch(f"make {word} hat")) == (word not in stops)


@pytest.mark.parametrize("module", [courtesy, fragments])
def test_the_examples_in_the_documentation_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_rules_of_other_scripts_need_a_letter_of_theirs() -> None:
    """Plain ASCII prompts are not searched for them, so none may match plain ASCII."""
    alone = RuleMatcher([dataclasses.replace(rule, language="en") for rule in RULES if rule.language in OTHER_SCRIPTS])
    for rule in RULES:
        if rule.language not in OTHER_SCRIPTS:
            ascii_only = rule.example.encode("ascii", "ignore").decode()
            assert alone.match(ascii_only) is None, rule.example
    for rule in RULES:
        if rule.language in OTHER_SCRIPTS:
            assert not rule.example.isascii()
            assert not rule.pattern.isascii() or r"\p{" in rule.pattern, rule.name
