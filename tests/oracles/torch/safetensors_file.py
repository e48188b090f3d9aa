# SPDX-License-Identifier: Apache-2.0
"""Reads a file in the safetensors format (github.com/huggingface/safetensors, README, "Format")."""

import json
import struct
from pathlib import Path

import numpy as np

DTYPES = {'F32': '<f4', 'F64': '<f8', 'I32': '<i4', 'I64': '<i8', 'U8': 'u1'}


def read(path):
    """The tensors by name, as numpy arrays, and the metadata."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from('<Q', data)
    header = json.loads(data[8:8 + length])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        first, end = (8 + length + offset for offset in entry['data_offsets'])
        tensors[name] = np.frombuffer(data[first:end], DTYPES[entry['dtype']]) \
            .reshape(entry['shape'])
    return tensors, metadata
