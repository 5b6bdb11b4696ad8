"""Notices: who is told of what happened, in an inbox.

Owns: notices, and the place up to which events were read.
Promises: an event is told once, after its commit, whatever dies in between; nobody is told of what they may not see;
    a notice holds no personal data, and goes with the membership or the learner for whom it was made.
May call: every room below, kit.
Never: decides anything, is asked by a room below, tells whom a blind review is about.

Files: `tables`, `rules_topics` (which events are told, to whom), `subjects` (what an event is about), `texts` (the
sentences, package data), `making` (from events to notices), `service` (read and unread), `leaving` (what goes with a
person), `jobs`, `views`.
"""
