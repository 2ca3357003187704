"""Guard rails: rules that hold the line, and the audit as code."""

from kata.guards.audit_code import Report, audit_code
from kata.guards.engines import EngineFailed
from kata.guards.issue import Issue, Kind

__all__ = ["EngineFailed", "Issue", "Kind", "Report", "audit_code"]
