"""The tests; what they share is in `conftest.py` (fixtures) and `seed.py` (the documented example, as commands)."""
