"""deliverables."""

from ods_core.ui import cards

cards.heading("deliverables")
