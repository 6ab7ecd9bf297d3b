"""Verbs of the team: coming in, being changed, being away, leaving, keys."""
