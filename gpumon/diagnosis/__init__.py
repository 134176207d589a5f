"""Pure judgement: from a window of samples to findings."""
