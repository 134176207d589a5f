"""Pure judgement: what limits a training, from a window of samples."""
