"""The reporter: what `gpumon run` puts into a training, to tell its loader's figures exactly.

It runs inside the training's interpreter: standard library only, Python 3.8 and later, nothing of gpumon
is imported there, and torch is only looked at after the training has imported it. Its modules name each
other relatively because the package has another name there (`gpumon_reporter`, see injected/sitecustomize).
"""
