"""Notices: who is told of what happened: in an inbox, by e-mail, by webhooks.

Owns: notices, and the place up to which events were read; mailboxes with what their owners chose, letters; webhooks
    of organizations and their deliveries.
Promises: an event is told once, after its commit, whatever dies in between; nobody is told of what they may not see;
    a notice holds no personal data. An address lies sealed and gets nothing before its owner opened a link, and
    nothing after they said so with one click. A letter is sent once, or again under the same id when its sender died.
    A delivery says what happened to what and no more, is signed, and is tried until it is given up to a list.
    All of it goes with the membership or the learner for whom it was made.
May call: every room below, kit.
Never: decides anything, is asked by a room below, tells whom a blind review is about, keeps what a mail server says.

Files: `tables`, `rules_topics` (which events are told, to whom), `rules_delivery` (where a kind goes, when digests go
out), `rules_mailbox` (the steps of an address), `rules_sending` (pauses), `subjects` (what an event is about), `texts`
(the sentences, package data), `rules_plurals` (words beside numbers), `rules_pages` (where a notice leads), `making`
(from events to notices and letters), `service` (read and unread), `mailboxes` (choices, addresses, links), `composing`
(a letter's text), `mailing` (letters on their way), `smtp` (the mail server), `rules_reports` and `reports` (what
comes back later), `rules_webhooks` (signatures, steps, pauses), `webhooks` (made, rolled, removed, queued),
`delivering` (on their way), `leaving` (what goes with a person), `jobs`, `views`.
"""
