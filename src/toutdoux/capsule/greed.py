"""How much one address may ask for: each has a bucket that fills again with time.

Who finds it empty is told 44 and how many seconds to wait. Who goes on all the same is let in no
more until they have waited, for a handshake is what costs most.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import ip_address
from math import ceil

_ADDRESSES = 20_000
"""How many are remembered."""


def neighbourhood(address: str) -> str:
    """Who shares a bucket: an IPv4 address by itself; in IPv6 all of a /64, which is one house."""
    told = ip_address(address.partition("%")[0])
    if told.version == 4:
        return str(told)
    if told.ipv4_mapped is not None:
        return str(told.ipv4_mapped)
    return str(ip_address(int(told) >> 64 << 64))


@dataclass(slots=True)
class Greed:
    """The buckets.

    Attributes:
        a_second: requests that one address may go on making, each second. Each is a connection
            of its own, and it is those that are counted, whether they ask anything or not.
        at_once: requests it may make at once, when it made none for a while.
        spare_this_machine: whether programs on this machine may ask as much as they like: a
            gateway to the web does, and whoever is here can do worse.
    """

    a_second: float = 5.0
    at_once: int = 100
    spare_this_machine: bool = True
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """What is left in each, and when that was."""

    def spares(self, address: str) -> bool:
        """Whether this address may ask as much as it likes."""
        return self.spare_this_machine and (
            address == "::1" or address.startswith(("127.", "::ffff:127."))
        )

    def wait(self, address: str, now: float) -> int:
        """Count a connection. Returns how many seconds to wait; 0 if it may be answered.

        `now` is in seconds of a clock that never goes back.
        """
        if self.spares(address):
            return 0
        key = neighbourhood(address)
        left = max(self._left(key, now) - 1, -float(self.at_once))
        self._buckets[key] = left, now
        self._buckets.move_to_end(key)
        if len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)
        return 0 if left >= 0 else ceil(-left / self.a_second)

    def shuts_out(self, address: str, now: float) -> bool:
        """Whether an address isn't even let in: it was told to wait, again and again."""
        if not self._buckets or self.spares(address):
            return False
        return self._left(neighbourhood(address), now) < 1 - self.at_once

    def _left(self, key: str, now: float) -> float:
        left, at = self._buckets.get(key, (float(self.at_once), now))
        return min(left + (now - at) * self.a_second, float(self.at_once))
