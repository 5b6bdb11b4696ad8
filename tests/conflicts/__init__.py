"""Tests of ties between organizations."""
