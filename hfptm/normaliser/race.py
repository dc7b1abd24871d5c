"""Which of several lines was first, and by how much."""

import msgspec

_FINE = 8
"""Buckets to each doubling: a percentile is right to about 9 %."""


class Race(msgspec.Struct):
    """Frames that came on more than one line. Leads are counted in logarithmic buckets."""

    first: dict[int, int] = {}
    """Frames by the line that was first."""
    leads: dict[int, dict[int, int]] = {}
    """By that line: how many leads by bucket."""

    def add(self, line: int, lead_ns: int) -> None:
        self.first[line] = self.first.get(line, 0) + 1
        leads = self.leads.setdefault(line, {})
        bucket = _bucket(lead_ns)
        leads[bucket] = leads.get(bucket, 0) + 1

    def lead_ns(self, share: float) -> int:
        """The lead that `share` of all races stay below, over all lines; 0 without races."""
        total: dict[int, int] = {}
        for leads in self.leads.values():
            for bucket, count in leads.items():
                total[bucket] = total.get(bucket, 0) + count
        left = share * sum(total.values())
        for bucket in sorted(total):
            left -= total[bucket]
            if left <= 0:
                return _middle_ns(bucket)
        return 0


def _bucket(lead_ns: int) -> int:
    """Exact below `_FINE`, then `_FINE` buckets between two powers of two."""
    if lead_ns < _FINE:
        return lead_ns
    shift = lead_ns.bit_length() - _FINE.bit_length()
    return _FINE * shift + (lead_ns >> shift)


def _middle_ns(bucket: int) -> int:
    if bucket < 2 * _FINE:
        return bucket
    shift = bucket // _FINE - 1
    low = (bucket - _FINE * shift) << shift
    return low + (1 << shift) // 2
