"""gpumon's commands as processes of their own, on its demos."""
