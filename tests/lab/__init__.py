"""The laboratory: trainings with a known truth, and gpumon looking at them from outside."""
