"""What is freed is kept, so that the next tensor does not wait for the kernel."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from molediff.runtime.memory import keep_freed_tensors

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        tensors = [torch.zeros(2**19) for _ in range(3)]  # 6 MB, more than glibc keeps unasked
        del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
keep_freed_tensors()
faults()
print(first, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone")
def test_freed_tensors_are_not_asked_of_the_kernel_again():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert before > 1000  # or there was nothing to mend
    assert after < 100
