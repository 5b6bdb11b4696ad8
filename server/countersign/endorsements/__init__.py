"""endorsements: an employer's signed word for one frozen version, with what it puts behind it.

Owns: endorsements and their evidence; `policies.py` publishes quorum policies (kept by `conflicts`), `rules_quorum.py`
    what they ask;
    `scope.py` (pure) the whole or some outcomes; `evidence.py` (pure) the kinds of industry validation with their
    sentences, `evidence_checks.py` (pure) what they share; `recounting.py` counts labour-market evidence again;
    `backing.py` what stands behind an endorsement, taken and kept; `pledges.py` the ledger of seats (`pledge_rules.py`,
    pure), `pledge_clock.py` tells when its window is over; `ranges.py` (pure) versions as ranges, `support.py` dates of
    tools (`support_files.py`, pure), `drift.py` the watch over them (`drift_rules.py`, pure);
    `tables_backing.py` and `views_pledges.py` their rows;
    `rules_co_validation.py` (pure) the rule as a function of an instant, `co_validation.py` who is told when it turns,
    `co_validation_views.py` its explanation and history; `foreign.py`, `rules_foreign.py` (pure) endorsements that were
    made elsewhere, `foreign_judging.py` judges them, `rules_foreign_asked.py` (status lists, standing),
    `rules_foreign_keys.py` (whose key it is), `rules_foreign_hosted.py` and `rules_foreign_signed.py` (Open Badges 2.0;
    all pure) say whom to ask and what the answers make of them,
    `foreign_checks.py` looks at them again, with its rows in `tables_foreign.py`;
    `jobs.py` the signer's own transaction and the loop that signs what was left; `departures.py` what falls when a
    member goes; `disclosing.py` who may sign for a version, and the ties that are signed with it;
    `proposals.py` what is proposed inside the endorser, `four_eyes.py` who may then sign; `renewal.py` the same word
    anew and the clock that tells of ends; `suggestions.py` the school's words, apart; `display.py` what its page shows
    (`rules_display.py`, pure); `recalled.py` (pure) evidence given again;
    `suspension.py` pauses, and what a lost key does; `reaffirming.py` the same word for a later version after an
    editorial change, `successors.py` who is told that there is one, when it is published or before signing.
Promises: only the endorser speaks for the endorser; what is signed is what the signatory saw (digest checked twice);
    no more seats are taken than pledged; no endorsement carries over to another version without a new signature;
    one endorsement in force per organization and version at any instant; history is closed, never rewritten.
May call: conflicts, specs, corpora, attachments, trust, organizations, log, kit.
Never: lets the school write, sign or revoke; signs before the unsigned document is stored; deletes an endorsement.
"""
