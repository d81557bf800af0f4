"""Models that train, score and answer behind the protocol of `qbuild.backends`."""

import os

# OpenMP reads it once, when torch is loaded. By default its threads wait in a loop that occupies
# their cores, which multiplies the time of a small model on a machine with other work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
