"""Countersign: the portal where employers countersign micro-credentials."""

__version__ = "0.1.0"
