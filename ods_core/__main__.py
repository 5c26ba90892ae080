"""`python -m ods_core`."""

from ods_core.cli import main

main(prog_name="python -m ods_core")
