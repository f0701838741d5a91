"""ONNX Runtime without its telemetry, which on import looks up a host and writes a device id into the home folder."""

import os

os.putenv("ORT_DISABLE_TELEMETRY", "1")  # read once, by the import below; the runtime's own switch comes too late

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

__all__ = ["errors", "onnxruntime"]
