"""reviews: a school asks an organization to look at one frozen version, and gets an answer in scores and words.

Owns: review requests and reviews; the rubric (`rubric.py`, data) and the rules of both.
Promises: a review is about exactly one version; only the organization that was asked claims, decides or declines, only
    the school that asked cancels; interests are declared before a score is read; declines are kept. Claims and unsigned
    decisions fall in the transaction in which their reviewer loses that role (`departures.py`).
May call: conflicts, specs, organizations, kit.
Never: signs anything, endorses for anybody, shows a review to anyone but the school and the organization asked.
"""
