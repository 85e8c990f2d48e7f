"""Lives of a pair, see `machine.py` and `value_machine.py`.

`CROSSWATCH_EXAMPLES` sets the number of lives, `CROSSWATCH_STEPS` their length. A number of its own in
`CROSSWATCH_SEED` makes them other lives; a failure prints how to repeat it. `CROSSWATCH_PARTS` makes so
many tests of it, each with lives of its own, which processes can share: see `scripts/prove`.
"""

import os

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
import pytest

from .machine import PairMachine
from .value_machine import ValueMachine

EXAMPLES = int(os.environ.get("CROSSWATCH_EXAMPLES", "10"))
STEPS = int(os.environ.get("CROSSWATCH_STEPS", "20"))
SEED = os.environ.get("CROSSWATCH_SEED")
PARTS = int(os.environ.get("CROSSWATCH_PARTS", "1"))


@pytest.mark.hypothesis
@pytest.mark.timeout(20 * 60 if SEED is None else 0)
@pytest.mark.parametrize("machine", [PairMachine, ValueMachine])
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_whatever_fails(machine: type[RuleBasedStateMachine], part: int) -> None:
    run_state_machine_as_test(
        seed(PARTS * int(SEED) + part)(machine) if SEED else machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=SEED is None,
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
