"""Ctrl-C waits for the end of a block."""

import os
import signal
import threading

import pytest

from molediff.runtime.interrupts import interrupts_held_back


def test_an_interrupt_comes_at_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_held_back():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the rest of the block")
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


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
