"""Progress bars: those of tqdm, in a notebook as widgets or, without a word where these are missing, as text."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="IProgress not found")
    from tqdm.auto import tqdm

__all__ = ["tqdm"]
