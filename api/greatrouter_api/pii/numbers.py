"""Cards, bank accounts and national ids: a shape, and a check digit where there is one."""

import re

from greatrouter_api.pii import checksums
from greatrouter_api.pii.detector import Check, Detector, announced, bounded, digits_in, grouped

CARD, IBAN, NATIONAL_ID = "card_number", "iban", "national_id"

# Issuer prefixes and the lengths they come in. Visa's 13 and 19 digits are hardly used, and bare they are more often a
# bar code or a 64-bit integer: see CARD_WORDS.
ISSUERS = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"6011|64[4-9]|65"), (16, 17, 18, 19)),  # Discover
    (re.compile(r"62"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"35(?:2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"30[0-5]|3095|3[689]"), (14,)),  # Diners Club
    (re.compile(r"5018|5020|5038|5893|6304|6759|676[123]"), (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (re.compile(r"220[0-4]|60|8[12]|508|9792|506[01]|6500"), (16,)),  # Mir, RuPay, Troy, Verve
)
CARD_WORDS = (
    r"card|credit|debit|visa|pan|cc|karte|kreditkarte|carte(?: bancaire| bleue)?|tarjeta|cartao|carta|"
    r"карты?|カード|卡号?|카드|कार्ड|بطاقة"
)


def is_card(found: str) -> bool:
    """A run of groups. Four fours may be followed by what is no part of the number (an expiry date, a security code);
    more than five are a table."""
    groups = re.split(r"[ -]", found)
    fours = next((i for i, group in enumerate(groups) if len(group) != 4), len(groups))
    digits = "".join(groups)
    return _is_issued(digits) or (fours in (4, 5) and _is_issued(digits[:16]))


def _is_issued(digits: str) -> bool:
    known = any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in ISSUERS)
    return known and checksums.luhn(digits)


def is_bare_card(digits: str) -> bool:
    return not (digits[0] == "4" and len(digits) != 16) and _is_issued(digits)


def is_iban(found: str) -> bool:
    """In capitals the words behind an account number may look like more of it: its country knows how long it is."""
    characters = re.sub(r"[ -]", "", found).upper()
    return checksums.iban(characters[: checksums.IBAN_LENGTHS.get(characters[:2], 0)])


def _on_digits(check: Check) -> Check:
    return lambda found: check(digits_in(found))


def _on_characters(check: Check) -> Check:
    return lambda found: check(re.sub(r"[ .-]", "", found).upper())


_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_OMOCODE = "[0-9LMNPQRSTUV]"

NUMBERS = (
    Detector(CARD, grouped(r"[2-9]\d{3}(?:[ -]\d{1,4}){3,8}"), is_card),
    Detector(CARD, grouped(r"3\d{3}[ -]\d{6}[ -]\d{4,5}"), is_card),
    Detector(CARD, bounded(r"[2-9]\d{12,18}"), is_bare_card),
    Detector(CARD, announced(CARD_WORDS, r"(\d(?:[ -]?\d){12,18})"), is_card),
    Detector(
        IBAN,
        bounded(r"(?i:[A-Z]{2})\d{2}[ -]?(?i:[A-Z0-9]{4})(?:[ -]?(?i:[A-Z0-9]{4})){1,6}(?:[ -]?(?i:[A-Z0-9]{1,3}))?"),
        is_iban,
    ),
    # United States
    Detector(NATIONAL_ID, bounded(r"\d{3}-\d{2}-\d{4}"), _on_digits(checksums.social_security)),
    Detector(
        NATIONAL_ID,
        announced(r"ssn|social(?: security)?", r"(\d{3}[ -]?\d{2}[ -]?\d{4})"),
        _on_digits(checksums.social_security),
    ),
    # United Kingdom: some first letters are never used
    Detector(
        NATIONAL_ID,
        bounded(
            r"(?:[ACEHJ-MOPRSWXY][A-CEGHJ-NPR-TW-Z]|B[A-CEHJ-NPR-TW-Z]|G[ACEGHJ-MPR-TW-Z]|[KT][A-CEGHJ-MPR-TW-Z]|"
            r"N[A-CEGHJL-NPRSW-Z]|Z[A-CEGHJ-NPR-TW-Y])[ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D]"
        ),
    ),
    # India: Aadhaar and PAN
    Detector(NATIONAL_ID, grouped(r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}"), _on_digits(checksums.verhoeff)),
    Detector(
        NATIONAL_ID,
        announced(r"aadhaa?r|uidai|uid|आधार", r"([2-9]\d{3}[ -]?\d{4}[ -]?\d{4})"),
        _on_digits(checksums.verhoeff),
    ),
    Detector(NATIONAL_ID, bounded(r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]"), lambda found: found[5:9] != "0000"),
    # Spain: DNI and NIE
    Detector(
        NATIONAL_ID,
        bounded(r"(?:\d{2}\.?\d{3}\.?\d{3}|[XYZ][ -]?\d{7})[ -]?[A-HJ-NP-TV-Z]"),
        _on_characters(checksums.dni),
    ),
    # France
    Detector(
        NATIONAL_ID,
        bounded(r"[1-478] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}"),
        _on_characters(checksums.nir),
    ),
    # Italy: the letters of a code may stand for digits where two people would have had the same
    Detector(
        NATIONAL_ID,
        bounded(rf"(?i:[A-Z]{{6}} ?{_OMOCODE}{{2}}[ABCDEHLMPRST]{_OMOCODE}{{2}} ?[A-Z]{_OMOCODE}{{3}}[A-Z])"),
        _on_characters(checksums.fiscal_code),
    ),
    # Germany
    Detector(NATIONAL_ID, grouped(r"[1-9]\d \d{3} \d{3} \d{3}"), _on_digits(checksums.tax_id)),
    Detector(
        NATIONAL_ID,
        announced(
            r"steuer-?(?:id|identifikationsnummer|nummer|nr)|steuerliche identifikationsnummer|identifikationsnummer|"
            r"id-?nr|tax(?:payer)?(?: id(?:entification)?)?|tin",
            r"([1-9]\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3})",
        ),
        _on_digits(checksums.tax_id),
    ),
    # Brazil
    Detector(NATIONAL_ID, bounded(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), _on_digits(checksums.cpf)),
    Detector(NATIONAL_ID, announced("cpf", r"(\d{3}[ .]?\d{3}[ .]?\d{3}[ -]?\d{2})"), _on_digits(checksums.cpf)),
    # China
    Detector(
        NATIONAL_ID,
        bounded(rf"[1-9]\d{{5}}(?:19|20)\d{{2}}{_MONTH}{_DAY}\d{{3}}[\dXx]"),
        _on_characters(checksums.resident_id),
    ),
)
