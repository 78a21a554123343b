"""`python -m battlectl`."""

import signal

# Before all else: see `cli.die_of_interrupts`, which does the same for whoever starts `main` otherwise.
if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from battlectl.cli import main

if __name__ == "__main__":
    main()
