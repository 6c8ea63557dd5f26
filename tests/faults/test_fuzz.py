"""Whatever comes in, there is one result with a status and a reason, and memory stays flat."""

import random

from fuzz_inputs import attack, generator, memory, odd_input, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GENERATOR = generator()


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_three_hundred_inputs_have_one_result_each(chance):
    run(GENERATOR, [odd_input(chance) for _ in range(10)])


def test_memory_does_not_grow_with_the_inputs():
    inputs = [odd_input(random.Random(f"memory {number}")) for number in range(100)]
    run(GENERATOR, inputs)
    before = memory()
    for _ in range(2):
        run(GENERATOR, inputs)
    assert memory() - before < 50e6


def test_an_attack_is_the_same_again():
    (first,), (again,) = (list(attack(20, seed=1, batch=20)) for _ in range(2))
    assert first[:2] == again[:2]
    assert first[1]["ok"] + first[1]["failed"] == 20
