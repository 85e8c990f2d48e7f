"""The sync engine. It knows neither Home Assistant nor any provider."""
