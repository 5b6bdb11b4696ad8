"""Every act on a change request, in every state, by everybody."""

from itertools import product

import pytest

from countersign.kit.errors import InvalidState, Required, TooLong
from countersign.reviews.rules_changes import (
    NOTE_LIMIT,
    Answer,
    ChangeAct,
    ChangeParty,
    ChangeState,
    NotYoursToSay,
    answering,
    check_note,
    move,
)

OPEN, ADDRESSED, DECLINED, REOPENED, ACCEPTED, WITHDRAWN = ChangeState
SCHOOL, REVIEWER, DEPARTURE = ChangeParty
EXPECTED = {
    OPEN: {"address": ADDRESSED, "decline": DECLINED, "withdraw": WITHDRAWN, "fall": WITHDRAWN},
    REOPENED: {"address": ADDRESSED, "decline": DECLINED, "withdraw": WITHDRAWN, "fall": WITHDRAWN},
    ADDRESSED: {"accept": ACCEPTED, "reopen": REOPENED, "withdraw": WITHDRAWN, "fall": WITHDRAWN},
    DECLINED: {"accept": ACCEPTED, "reopen": REOPENED, "withdraw": WITHDRAWN, "fall": WITHDRAWN},
    ACCEPTED: {},
    WITHDRAWN: {},
}
WHO = {
    **dict.fromkeys(("address", "decline"), SCHOOL),
    **dict.fromkeys(("accept", "reopen", "withdraw"), REVIEWER),
    "fall": DEPARTURE,
}


@pytest.mark.parametrize(("state", "act", "party"), list(product(ChangeState, ChangeAct, ChangeParty)))
def test_every_act_in_every_state_by_everybody(state: ChangeState, act: ChangeAct, party: ChangeParty) -> None:
    after = EXPECTED[state].get(act.value)
    if after is None:
        with pytest.raises(InvalidState):
            move(state, act, party)
    elif party is not WHO[act.value]:
        with pytest.raises(NotYoursToSay) as refused:
            move(state, act, party)
        assert "Only " in refused.value.message
    else:
        assert move(state, act, party) is after


def test_an_answer_is_an_act() -> None:
    assert [answering(answer) for answer in Answer] == [ChangeAct.ADDRESS, ChangeAct.DECLINE]


def test_a_reason_is_asked_for_where_one_is_needed() -> None:
    check_note("", needed=False, path=("note",))
    check_note("x" * NOTE_LIMIT, needed=True, path=("note",))
    with pytest.raises(Required):
        check_note(" \n", needed=True, path=("note",))
    with pytest.raises(TooLong):
        check_note("x" * (NOTE_LIMIT + 1), needed=False, path=("note",))
