"""On-Demand Sprints: the system of record for outcome-based delivery."""

__version__ = "0.1.0"
