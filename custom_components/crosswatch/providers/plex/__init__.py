"""Plex: the user's own media server, and Plex's cloud for sign-in and watchlist."""
