"""One plain function per verb: the shell of battlectl, between the command line and the pure packages."""
