"""The check digits of cards, bank accounts and national ids. Each takes the bare characters, without separators."""

LUHN_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))

_VERHOEFF_PRODUCT = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_PLACES = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)

DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_CHECKS = "10X98765432"
# The Italian code counts characters in odd places (the first is odd) by this table, those in even places by order.
_ODD_VALUES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
FISCAL_ODD = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _ODD_VALUES, strict=True)) | dict(
    zip("0123456789", _ODD_VALUES, strict=False)
)
IBAN_LENGTHS = {
    code: length
    for length, codes in {
        15: "NO",
        16: "BE",
        18: "DK FK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for code in codes.split()
}


def luhn(digits: str) -> bool:
    """
    >>> luhn("4539578763621486"), luhn("4539578763621487")
    (True, False)
    """
    values = digits.encode()[::-1]
    return (sum(values[::2]) - 48 * len(values[::2]) + sum(values[1::2].translate(LUHN_DOUBLED))) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Aadhaar.

    >>> verhoeff("2363"), verhoeff("2364")
    (True, False)
    """
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_PRODUCT[check][int(_VERHOEFF_PLACES[place % 8][int(digit)])])
    return check == 0


def iban(characters: str) -> bool:
    """ISO 13616: the length of its country, and 1 modulo 97."""
    if IBAN_LENGTHS.get(characters[:2]) != len(characters):
        return False
    return int("".join(str(int(c, 36)) for c in characters[4:] + characters[:4])) % 97 == 1


def social_security(digits: str) -> bool:
    """United States: no check digit, but areas, groups and serials that are never given out."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def dni(characters: str) -> bool:
    """Spain: eight digits and their letter; an NIE has X, Y or Z for its first digit."""
    number = characters[:-1].translate(str.maketrans("XYZ", "012"))
    return DNI_LETTERS[int(number) % 23] == characters[-1]


def nir(characters: str) -> bool:
    """France: 13 characters and a two-digit key; Corsica's 2A and 2B count as 19 and 18."""
    number = characters[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(characters[13:])


def fiscal_code(characters: str) -> bool:
    """Italy: the sixteenth character checks the others."""
    odd = sum(FISCAL_ODD[c] for c in characters[:15:2])
    even = sum(int(c) if c.isdigit() else ord(c) - ord("A") for c in characters[1:15:2])
    return chr(ord("A") + (odd + even) % 26) == characters[15]


def tax_id(digits: str) -> bool:
    """Germany: one digit of the first ten comes twice or three times, all others at most once; ISO 7064 mod 11, 10."""
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if counts[-1] not in (2, 3) or counts[-2] != 1:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def cpf(digits: str) -> bool:
    """Brazil: two check digits; a number of equal digits is never given out."""
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(digit) * (length + 1 - i) for i, digit in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def resident_id(characters: str) -> bool:
    """China: ISO 7064 mod 11-2 over 17 digits; the last may be X for ten."""
    total = sum(int(digit) * weight for digit, weight in zip(characters[:17], RESIDENT_WEIGHTS, strict=True))
    return RESIDENT_CHECKS[total % 11] == characters[17]
