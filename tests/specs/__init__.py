"""Tests of the specs room."""
