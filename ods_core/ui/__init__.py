"""What the pages share, and the only code of the package that knows Streamlit.

places      the pages there are, and links to them that reopen exactly one view
session     who is looking, and the choices that live in the address
formats     money, dates, durations, and people's text kept from being markup
cards       headings, state badges, rows, facts, empty states
tables      paged lists and data grids
charts      one look for every chart, with its table twin
forms       fields that keep what was typed, with problems at their places
decisions   giving a command: asking once, what it would cause, what it caused, who came first
stories     events as sentences
storyline   an engagement's events, day by day
shell       what stands around every page
importing   bringing a history in: files or a folder, a look or an import, what came of it
live        noticing what changed elsewhere
refusals    refusals and failures in a person's words
"""
