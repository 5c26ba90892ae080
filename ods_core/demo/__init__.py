"""Demo engagements: an empty database filled with eighteen months of six organisations, ending yesterday."""

from ods_core.demo.load import load
from ods_core.demo.stories import read_stories

__all__ = ["load", "read_stories"]
