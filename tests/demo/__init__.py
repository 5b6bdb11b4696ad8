"""The demo: its data, its made-up market, its learners and its runner."""
