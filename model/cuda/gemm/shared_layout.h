// SPDX-License-Identifier: Apache-2.0
// Where things lie in a block's shared memory: operand tiles in the swizzled form that TMA writes
// and ldmatrix and wgmma read without bank conflicts, and the fp32 staging of finished tiles.
#pragma once

#include "model/cuda/device_code.h"

namespace moesim::model::cuda {

constexpr int kChunkBytes = 16;  // what one cp.async or ldmatrix row moves
// Lines of operands in bf16 in a device's memory begin at multiples of a chunk: of so many
// elements.
constexpr int kLineElements = kChunkBytes / 2;

// The byte where `offset` of lines of `line_bytes` (64 or 128) lies: in each 128 bytes, 16-byte
// chunks change places by the number of the 128-byte line they are in. TMA calls it
// CU_TENSOR_MAP_SWIZZLE_64B and _128B (PTX ISA 8.7, "Swizzling modes"); `offset` counts from a
// place aligned to 1,024 bytes.
MOESIM_DEVICE_CODE constexpr int swizzled(int offset, int line_bytes) {
  return offset ^ (((offset >> 7) & (line_bytes / kChunkBytes - 1)) * kChunkBytes);
}

// Which index of an operand runs along memory: k (rows of A or columns of B, each a line of k's),
// or the other one ("MN-major": a line for each k).
enum class Major { k, other };

// One stage's tile of an operand, [extent] rows of A or columns of B by [k]. K-major: a line of k's
// for each. MN-major: blocks of 128 bytes of them, a line for each k; block after block.
struct OperandLayout {
  Major major;
  int extent;
  int k;
  int element_bytes;

  MOESIM_DEVICE_CODE constexpr int bytes() const { return extent * k * element_bytes; }
  // Lines as memory has them (before the split in blocks), and chunks in each.
  MOESIM_DEVICE_CODE constexpr int lines() const { return major == Major::k ? extent : k; }
  MOESIM_DEVICE_CODE constexpr int chunks_per_line() const {
    return (major == Major::k ? k : extent) * element_bytes / kChunkBytes;
  }
  MOESIM_DEVICE_CODE constexpr int elements_per_chunk() const {
    return kChunkBytes / element_bytes;
  }
  // Byte of a chunk.
  MOESIM_DEVICE_CODE constexpr int offset(int line, int chunk) const {
    if (major == Major::k) {
      const int line_bytes = k * element_bytes;
      return swizzled(line * line_bytes + chunk * kChunkBytes, line_bytes);
    }
    return (chunk / 8) * k * 128 + swizzled(line * 128 + (chunk % 8) * kChunkBytes, 128);
  }
  // Byte of an element: `i` counts rows of A or columns of B.
  MOESIM_DEVICE_CODE constexpr int element(int i, int at_k) const {
    const int line = major == Major::k ? i : at_k;
    const int along = major == Major::k ? at_k : i;
    return offset(line, along / elements_per_chunk()) +
           along % elements_per_chunk() * element_bytes;
  }
};

// The fp32 staging of a finished tile: slices of 64 rows by 64 floats. A slice holds as many
// columns of each of the tile's parts (gate and up are two) as fit, side by side; chunks of 8
// columns.
constexpr int kSliceRows = 64;
constexpr int kSliceFloats = 64;
constexpr int kSliceBytes = kSliceRows * kSliceFloats * 4;
constexpr int kChunkColumns = 8;

// Float of a slice; chunks of a row change places by the row, so that neither writing fragments
// (8 rows by 8 columns at a time) nor reading rows meets in a bank more often than it must.
MOESIM_DEVICE_CODE constexpr int staged_float(int row, int at) {
  return row * kSliceFloats + ((at / kChunkColumns) ^ (row & 7)) * kChunkColumns +
         at % kChunkColumns;
}

// Two neighbours, which one store writes.
struct alignas(8) StagedPair {
  float first;
  float second;
};

// A tile [rows, columns] of accumulators, in `parts` of columns / parts each, as slices.
struct StagingLayout {
  int columns;
  int parts;

  MOESIM_DEVICE_CODE constexpr int part_columns() const { return columns / parts; }
  MOESIM_DEVICE_CODE constexpr int slice_columns() const { return kSliceFloats / parts; }
  MOESIM_DEVICE_CODE constexpr int slices_per_row() const { return columns / kSliceFloats; }
  // Of the accumulator in column `n` of the tile: its column in its part, the slice (in a row of
  // slices) and the float in the slice's row.
  MOESIM_DEVICE_CODE constexpr int column_in_part(int n) const { return n % part_columns(); }
  MOESIM_DEVICE_CODE constexpr int slice(int n) const {
    return column_in_part(n) / slice_columns();
  }
  MOESIM_DEVICE_CODE constexpr int place(int n) const {
    return n / part_columns() * slice_columns() + column_in_part(n) % slice_columns();
  }
};

}  // namespace moesim::model::cuda
