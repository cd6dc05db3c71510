"""What other simulators' arguments mean, in the arguments of a crossbar."""
