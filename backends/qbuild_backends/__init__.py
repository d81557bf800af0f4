"""Models that train, score and answer behind the protocol of `qbuild.backends`."""
