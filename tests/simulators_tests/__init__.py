"""Tests of the simulators and of the generator that fills them."""
