"""intake."""

from ods_core.ui import cards

cards.heading("requests")
