"""What gpumon can read here and what not: facts are gathered, judged by pure checks, and shown."""
