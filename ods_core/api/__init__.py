"""What programs call: the REST contract over HTTP."""

from ods_core.api.application import build

__all__ = ["build"]
