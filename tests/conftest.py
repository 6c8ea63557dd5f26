"""For all tests."""

import signal

# Behind nohup interrupts are ignored, and the programs that tests start would not hear them either.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
