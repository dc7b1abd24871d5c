"""What became of the frames that a normaliser was given."""

import msgspec

from hfptm.normaliser.race import Race


class Tally(msgspec.Struct):
    frames: int = 0
    copies: int = 0
    """Nothing in them was new: another connection had delivered it."""
    late: int = 0
    """Parts that came after newer ones of the same market; what was still true of them counts."""
    too_late: int = 0
    """Parts so late that they cannot be matched: nothing of their time is kept any more. Nothing of
    them is used; if they may be news, their book is doubted."""
    stray_replies: int = 0
    """REST replies on no connection: evidence for checks, nothing for the tape."""
    race: Race = msgspec.field(default_factory=Race)
