"""Closed forms: what a theorem says, computed."""
