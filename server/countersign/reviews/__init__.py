"""reviews: a school asks an organization to look at one frozen version, and gets an answer in scores and words.

Owns: review requests and reviews, while they are written and as they were submitted, with their comments, threads and
    suggestions; outside experts, what was told of due dates; the platform's rubric (`rubric.py`, data) and those of
    organizations.
Promises: a review is about exactly one version; only the organization that was asked claims, decides or declines, only
    the school that asked cancels and gives more time; interests are declared before a score is read; declines are kept.
    An outside expert writes one review and nothing else (`experts.py`). What a blind request hides is shown by nothing
    until the review is submitted (`ties.py`, `views.VEILED`). Reminders and escalations are told once, and what nobody
    answers comes back or ends by time (`reminders.py`). What is being written is the reviewers' alone until it is
    submitted; what was submitted is never changed, and stands in the log (`logged.py`). A comment stands at a place of
    the frozen text, and only who reviewed says that it is met. Suggested words are kept apart from the school's, which
    alone takes them into a draft. Claims, what is being written and unsigned decisions fall in the transaction in which
    their reviewer loses that role (`departures.py`). Who holds a request is asked in one place (`hands.py`). What a
    review asks to change is answered by a version and settled by who asked (`change_requests.py`, `rules_changes.py`);
    it is kept.
May call: conflicts, specs, organizations, log, kit.
Never: signs anything, endorses for anybody, shows a review to anyone but the school and the organization asked (and the
    expert who writes it), keeps who an expert is.

Files: `service` (requests, and a review in one go), `writing` (a review over time), `comments` (threads),
`suggestions`, `rubrics`; pure: `rules` (requests, what a review must say), `rules_due`, `rules_blind`, `rules_experts`,
`rules_writing`, `rules_anchors` (places in texts), `rules_threads`, `rules_rubrics`, `rubric` (the platform's).
"""
