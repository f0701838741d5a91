"""Exact decimal cents, in the program and in the database."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, types

from greatrouter_accounts.errors import InvalidAmount

ZERO = Decimal(0)
# The finest charge kept: a hundred-millionth of a cent. One token at $0.0028 a million costs 28 of them.
QUANTUM = Decimal("0.00000001")
SCALE = 100_000_000
LARGEST_UNITS = 2**63 - 1
LARGEST_CENTS = Decimal(LARGEST_UNITS) / SCALE  # $922 million: the bound of a 64-bit column
# Its own arithmetic, so that no thread's decimal settings can make money inexact; 28 digits hold the largest amount.
EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN)


def cents(amount: Decimal) -> Decimal:
    """`amount` rounded half-even to the finest charge kept. Raises `InvalidAmount`.

    >>> cents(Decimal("0.123456785")), cents(Decimal("1E+2"))
    (Decimal('0.12345678'), Decimal('100.00000000'))
    """
    if not (amount.is_finite() and -LARGEST_CENTS <= amount <= LARGEST_CENTS):
        raise InvalidAmount(f"{amount} cents cannot be booked; expected a number of at most {LARGEST_CENTS:f}")
    return amount.quantize(QUANTUM, context=EXACT)


def check_amount(amount: Decimal) -> None:
    """Raises `InvalidAmount` for what nobody can want booked."""
    if not amount.is_finite() or amount < 0:
        raise InvalidAmount(f"{amount} cents cannot be booked; expected a number of at least 0")


def to_units(amount: Decimal) -> int:
    """Rounded cents as the whole number of quanta that the database stores: sums in SQL stay exact."""
    return int(amount.scaleb(8, EXACT))


def from_units(units: int) -> Decimal:
    return Decimal(units).scaleb(-8, EXACT)


class Cents(types.TypeDecorator[Decimal]):
    """A column of exact cents, stored as whole quanta."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else to_units(cents(value))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else from_units(int(value))
