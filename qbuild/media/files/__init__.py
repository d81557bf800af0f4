"""Files of media: listed, named, probed, told apart."""
