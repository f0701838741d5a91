"""Phone numbers in the forms that nothing else is written in; any other form only behind a word such as "phone"."""

import re

from greatrouter_api.pii.detector import Detector, announced, digits_in, grouped

PHONE = "phone_number"

PHONE_WORDS = (
    r"(?:tele)?phone|tel|mobile|cell(?:phone)?|whatsapp|sms|fax|"
    r"(?:call|text|ring|reach|dial|phone) (?:me|us|him|her|them)|dial|contact number|landline|"
    r"telefono|movil|celular|llamame al|llama al|portable|appelez|mobil|telefon|handy|rufnummer|"
    r"telefone|telemovel|ligue para|cellulare|chiamami al|тел|телефона?|мобильный|моб|звоните|"
    r"电话|電話|手机|手機|手机号|携帯|전화|휴대폰|핸드폰|연락처|फोन|फ़ोन|मोबाइल|هاتف|جوال|الهاتف|تلفون"
)

_DATE = re.compile(r"(?:19|20)\d\d[-/. ][01]?\d[-/. ][0-3]?\d|[0-3]?\d[-/.][0-3]?\d[-/.](?:19|20)\d\d")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_THOUSANDS = re.compile(r"\+?\d{1,3}(?:[ .]\d{3})+")


def is_international(found: str) -> bool:
    """What follows a number may look like more of it: its beginnings up to each space count as well."""
    parts = found.split(" ")
    return any(_is_international(" ".join(parts[:count])) for count in range(len(parts), 0, -1))


def _is_international(found: str) -> bool:
    """With a point, in threes (+123 456 789), or with six noughts at the end it is a number that has a sign."""
    if found.count(".") == 1 or _DATE.match(found, 1):
        return False
    digits = digits_in(found).removeprefix("00")
    least = 11 if _THOUSANDS.fullmatch(found) else 10 if found[1:].isdigit() else 9
    return least <= len(digits) <= 15 and not digits.endswith("000000") and _is_varied(digits)


def is_national(found: str) -> bool:
    """A year in the middle belongs to the number of an invoice, and two different digits alone are binary."""
    digits = digits_in(found)
    middle = re.search(r"-(\d{4})-", found)
    return 9 <= len(digits) <= 12 and _is_varied(digits) and not (middle and middle[1][:2] in ("19", "20"))


def is_in_pairs(found: str) -> bool:
    """France: five pairs. A count that goes up (01 02 03 04 05) is no number of anyone."""
    pairs = re.findall(r"\d\d", found)
    return len(set(pairs)) > 1 and any(pair[0] != "0" for pair in pairs[1:])


def is_announced(found: str) -> bool:
    if _DATE.match(found) or _ADDRESS.fullmatch(found):
        return False
    digits = digits_in(found)
    return 7 <= len(digits) <= 15 and not digits.endswith("000000")


def _is_varied(digits: str) -> bool:
    return len(set(digits)) > 2


PHONES = (
    Detector(PHONE, grouped(r"\+[1-9][0-9 ().\-/]{6,22}[0-9]"), is_international),
    Detector(PHONE, grouped(r"00[1-9]\d{0,2}[ .\-/(][0-9 ().\-/]{5,20}[0-9]"), is_international),
    # North America
    Detector(PHONE, grouped(r"(?:1[ .\-])?(?:[2-9]\d{2}-\d{3}-\d{4}|[2-9]\d{2}\.\d{3}\.\d{4})"), is_national),
    Detector(PHONE, grouped(r"(?:1[ \-])?\([2-9]\d{2}\)[ \-]?\d{3}[ .\-]\d{4}"), is_national),
    # An area that begins with nought: most of Europe, Asia and Australia
    Detector(PHONE, grouped(r"0[1-9]\d{1,3} \d{3,4} \d{3,4}|0[1-9]\d{1,2} \d{3} \d{2} \d{2}"), is_national),
    Detector(PHONE, grouped(r"0[1-9]\d{1,3}[ /]\d{6,8}|01[567]\d-\d{7,8}"), is_national),
    Detector(PHONE, grouped(r"\(0[1-9]\d{0,3}\) ?\d{3,4}[ \-]?\d{3,5}"), is_national),
    Detector(PHONE, grouped(r"0[1-9]0-\d{4}-\d{4}|0[2-9]\d{0,3}-\d{3,4}-\d{4}"), is_national),
    Detector(PHONE, grouped(r"0[1-9] \d{2} \d{2} \d{2} \d{2}|0[1-9]\.\d{2}\.\d{2}\.\d{2}\.\d{2}"), is_in_pairs),
    # China, Brazil, Russia
    Detector(PHONE, grouped(r"1[3-9]\d[ \-]\d{4}[ \-]\d{4}"), is_national),
    Detector(PHONE, grouped(r"\([1-9]\d\) ?9?\d{4}-\d{4}|[1-9]\d 9\d{4}-\d{4}"), is_national),
    Detector(PHONE, grouped(r"8[ \-]?\(?9\d{2}\)?[ \-]?\d{3}-\d{2}-\d{2}"), is_national),
    Detector(PHONE, announced(PHONE_WORDS, r"(\+?\(?\d{1,4}\)?(?:[ .\-/]?\(?\d{2,5}\)?){1,6})"), is_announced),
)
