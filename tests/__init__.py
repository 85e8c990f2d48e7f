"""Tests of CrossWatch for Home Assistant."""
