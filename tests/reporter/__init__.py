"""Tests of the reporter: in real trainings, and in every Python from 3.8 on with a stand-in for torch."""
