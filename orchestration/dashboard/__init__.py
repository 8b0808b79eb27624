"""The dashboard: one page of the published marts that needs no server, for the officer who wants to look."""

from orchestration.dashboard.page import render, write

__all__ = ["render", "write"]
