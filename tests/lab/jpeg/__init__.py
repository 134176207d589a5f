"""A training of the laboratory: a real DataLoader that decodes real JPEGs, on the virtual GPU.

Its process is laid out as YOLOv5's (flags, functions, log, results.csv, a training and a validation loader
whose workers live for the whole run); nothing of YOLOv5 is in it. It runs with the Python of the real
trainings' environment, which has torch, NumPy and OpenCV.
"""
