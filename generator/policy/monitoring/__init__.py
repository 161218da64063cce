"""Monitoring files as documents, and the facts about them that no path can say; one module a format."""
