"""Mutation tests: what decides is broken in every small way, and some test must notice."""
