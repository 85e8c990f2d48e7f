"""End-to-end tests: a real Home Assistant, its real frontend and a real browser."""
