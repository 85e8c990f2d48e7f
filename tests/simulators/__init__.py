"""Stateful stand-ins for Plex and PublicMetaDB: real aiohttp servers on 127.0.0.1."""
