"""What happens on the chain: token transfers between eight accounts, for ever.

Rule: transfer j, counted over the whole chain, is transaction j % 4 of block j // 4 + 1 and is sent by
account j % 8 to the account two further on. Nonces and balances are therefore sums in closed form,
and agree with the transactions that a client can read, block by block.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.lab.chain.chain import TRANSACTIONS_PER_BLOCK

ACCOUNTS = tuple(f"0xacc{index:037x}" for index in range(8))
TOKENS = ("0x70ce000000000000000000000000000000000000", "0x70ce000000000000000000000000000000000001")
REVERTING = "0x" + "dead" * 10  # a contract that reverts whatever it is asked

AMOUNT = 10**15
GAS_USED = 52_000
GAS_PRICE = 2_000_000_000
INITIAL_WEI = 10**24
INITIAL_TOKENS = 10**24
STEP = 2  # even, so that an account only ever touches the token of its own parity


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transaction: a call of `token` that moves AMOUNT from `sender` to `receiver`."""

    number: int
    index: int
    nonce: int
    sender: str
    receiver: str
    token: str


def transfer_at(number: int, index: int) -> Transfer:
    """The transaction at `index` of block `number`, which is at least 1: the genesis block has none."""
    nonce, sender = divmod((number - 1) * TRANSACTIONS_PER_BLOCK + index, len(ACCOUNTS))
    receiver = (sender + STEP) % len(ACCOUNTS)
    return Transfer(number, index, nonce, ACCOUNTS[sender], ACCOUNTS[receiver], TOKENS[sender % len(TOKENS)])


def transfers_in(number: int) -> tuple[Transfer, ...]:
    """All transactions of block `number` in order; the genesis block has none."""
    count = TRANSACTIONS_PER_BLOCK if number else 0
    return tuple(transfer_at(number, index) for index in range(count))


def nonce_after(number: int, address: str) -> int:
    """How many transactions `address` has sent up to and including block `number`."""
    return _sent(number, ACCOUNTS.index(address)) if address in ACCOUNTS else 0


def balance_after(number: int, address: str) -> int:
    """In wei. Transfers move tokens, so an account's wei only ever pays for gas."""
    if address not in ACCOUNTS:
        return 0
    return INITIAL_WEI - nonce_after(number, address) * GAS_USED * GAS_PRICE


def tokens_after(number: int, token: str, address: str) -> int:
    """What `address` holds of `token` after block `number`."""
    if address not in ACCOUNTS or token not in TOKENS:
        return 0
    holder = ACCOUNTS.index(address)
    if TOKENS[holder % len(TOKENS)] != token:
        return 0
    return INITIAL_TOKENS + AMOUNT * (_sent(number, (holder - STEP) % len(ACCOUNTS)) - _sent(number, holder))


def _sent(number: int, account: int) -> int:
    return (number * TRANSACTIONS_PER_BLOCK + len(ACCOUNTS) - 1 - account) // len(ACCOUNTS)
