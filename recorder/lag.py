"""What receive times and the exchange's own say about this machine's clock."""

import numpy as np
import numpy.typing as npt

from hfptm.certificate import Clock
from hfptm.units import NS_PER_S

Rows = npt.NDArray[np.void]

STRETCH_NS = 300 * NS_PER_S
"""The least lag of each stretch counts: queues and slow frames only ever add to it."""

_STRETCHES_MIN = 4
_PPM = 1_000_000


class LagEnvelope:
    """`add` event rows of changes and trades; full books bear the time of an older change."""

    def __init__(self) -> None:
        self._least_ns: dict[int, int] = {}
        """By stretch."""

    def add(self, rows: Rows) -> None:
        if len(rows) == 0:
            return
        stretches = rows["ts_recv_ns"] // STRETCH_NS
        lags_ns = rows["ts_recv_ns"] - rows["ts_venue_ns"]
        for stretch in np.unique(stretches).tolist():
            least_ns = int(lags_ns[stretches == stretch].min())
            self._least_ns[stretch] = min(least_ns, self._least_ns.get(stretch, least_ns))

    def clock(self) -> Clock:
        if not self._least_ns:
            return Clock()
        least_ns = np.array([self._least_ns[stretch] for stretch in sorted(self._least_ns)])
        drift_ppm = 0.0
        if len(least_ns) >= _STRETCHES_MIN:
            times_ns = np.array(sorted(self._least_ns)) * float(STRETCH_NS)
            slope, _ = np.polyfit(times_ns - times_ns[0], least_ns - least_ns[0], 1)
            drift_ppm = round(float(slope) * _PPM, 3)
        return Clock(least_lag_ns=int(least_ns.min()), drift_ppm=drift_ppm)
