"""The table of rules, one language after another.

Precise rather than complete: a rule wrong one time in a hundred is deleted. A rule's confidence is its precision on the
public prompts it fires on, rounded down and at most 0.99; 0.95 where fewer than 20 of those prompts fire it. Prompts whose
label plainly contradicts their words (a request for a Python program filed as text) were left out of that count, so it is
kinder than the raw precision that `greatrouter bench classifier` prints.
"""

from greatrouter_classifier.rules import (
    arabic,
    chinese,
    english_audio,
    english_code,
    english_image,
    english_search,
    english_text,
    english_video,
    french,
    german,
    hindi,
    italian,
    japanese,
    korean,
    portuguese,
    russian,
    spanish,
)

RULES = (
    *english_image.RULES,
    *english_video.RULES,
    *english_audio.RULES,
    *english_code.RULES,
    *english_search.RULES,
    *english_text.RULES,
    *spanish.RULES,
    *french.RULES,
    *german.RULES,
    *portuguese.RULES,
    *italian.RULES,
    *russian.RULES,
    *arabic.RULES,
    *hindi.RULES,
    *chinese.RULES,
    *japanese.RULES,
    *korean.RULES,
)
