"""A stand-in `libnvidia-ml.so.1` of our own, scripted by a text file and loaded by the real pynvml."""
