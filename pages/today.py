"""today."""

from ods_core.ui import cards

cards.heading("today")
