"""A real Home Assistant next to simulated services: shared by scripts/demo and the end-to-end tests."""
