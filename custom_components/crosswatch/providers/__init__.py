"""The services CrossWatch can read and write. Nothing here knows Home Assistant."""
