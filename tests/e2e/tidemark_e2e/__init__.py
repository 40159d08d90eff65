"""Drives the real programs: git servers, tidemark-sync and tidemark-ingest as processes, and the git command as the oracle of what the index must hold."""
