"""How files of the field are read: ratings, sessions, distortions, depictions, predictions."""
