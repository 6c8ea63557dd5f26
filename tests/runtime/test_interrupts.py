"""Ctrl-C waits for the end of a block."""

import os
import signal
import threading

import pytest

from molediff.runtime.interrupts import Terminated, end_when_asked, interrupts_held_back


@pytest.fixture
def asked_to_end():
    former = signal.getsignal(signal.SIGTERM)
    end_when_asked()
    yield
    signal.signal(signal.SIGTERM, former)


@pytest.mark.usefixtures("asked_to_end")
@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_an_interrupt_comes_at_the_end_of_the_block(number, error):
    done = []
    with pytest.raises(error), interrupts_held_back():  # noqa: PT012
        os.kill(os.getpid(), number)
        done.append("the rest of the block")
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("asked_to_end")
def test_who_is_asked_to_end_twice_tidies_up_in_peace():
    tidy = []
    with pytest.raises(Terminated):  # noqa: PT012
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            tidy.append(True)
    assert tidy


def test_without_an_interrupt_nothing_comes_and_an_error_is_itself():
    with interrupts_held_back():
        pass
    with pytest.raises(ZeroDivisionError), interrupts_held_back():
        raise ZeroDivisionError


def test_another_thread_may_use_it():
    seen = []

    def work():
        with interrupts_held_back():
            seen.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [1]
