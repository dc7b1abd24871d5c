"""Where the data is too thin for a figure, a notebook goes on with the reason in its place."""

from collections.abc import Callable

import plotly.graph_objects as go
from IPython.display import Markdown

from hfptm.errors import LakeError


def drawn(draw: Callable[..., go.Figure], *arguments: object) -> go.Figure | Markdown:
    """What `draw` draws, or its sentence on why it cannot."""
    try:
        return draw(*arguments)
    except LakeError as reason:
        return Markdown(f"*Nothing to draw: {reason}.*")
