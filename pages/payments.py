"""payments."""

from ods_core.ui import cards

cards.heading("payments")
