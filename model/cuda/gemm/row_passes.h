// SPDX-License-Identifier: Apache-2.0
// The passes over rows that a product by cuBLAS needs before and after itself, for nvcc alone.
#pragma once

#include "model/cuda/gemm/epilogues.h"
#include "model/cuda/gemm/grouped_problem.h"
#include "model/cuda/gemm/warp_instructions.h"

namespace moesim::model::cuda {

constexpr int kPassThreads = 256;

// Lines of an operand in the order of rows, zero where there is no source; 16 bytes a thread.
template <class Element>
__global__ void __launch_bounds__(kPassThreads)
    gather_lines(GroupedOperand<Element> from, std::int64_t rows, int columns, Element* to,
                 std::int64_t stride) {
  constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(Element));
  const int chunks = tiles_of(columns, kElements);
  const LineBlock<Element> lines{from.data, from.stride, from.source, 0, 0x7fffffff, 0, columns};
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kPassThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kPassThreads + threadIdx.x;
       i < rows * chunks; i += step) {
    const std::int64_t row = i / chunks;
    const int chunk = static_cast<int>(i % chunks);
    const ChunkSource source = lines.chunk(static_cast<int>(row), chunk);
    alignas(16) Element elements[kElements] = {};
    const auto* const values = static_cast<const Element*>(source.from);
    const int count = source.bytes / static_cast<int>(sizeof(Element));
#pragma unroll
    for (int j = 0; j < kElements; ++j) {
      if (j < count) elements[j] = values[j];
    }
    *reinterpret_cast<uint4*>(to + row * stride + chunk * kElements) =
        *reinterpret_cast<const uint4*>(elements);
  }
}

// Sums of all rows, part after part, each [rows, stride].
template <class Sum>
struct StoredSums {
  const Sum* data;
  std::int64_t rows;
  std::int64_t stride;
  int columns;
};

// An epilogue over sums in memory: threads take runs of 8 columns, eight threads 64.
template <class Sum, class Epilogue>
__global__ void __launch_bounds__(kPassThreads)
    finish_rows(StoredSums<Sum> sums, const std::int32_t* first_row, int experts,
                const __grid_constant__ Epilogue epilogue) {
  const int slices = tiles_of(sums.columns, kSliceFloats);
  const std::int64_t begin = first_row[0];
  const std::int64_t count = (first_row[experts] - begin) * static_cast<std::int64_t>(slices) * 8;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kPassThreads;
  for (std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kPassThreads; first < count;
       first += step) {
    const std::int64_t i = first + threadIdx.x;
    const std::int64_t row = begin + i / (slices * 8);
    const int column = static_cast<int>(i % (slices * 8)) * kChunkColumns;
    const int columns = i < count ? within(sums.columns - column, kChunkColumns) : 0;
    float sum = 0.0f;
    if (columns > 0) {
      const int expert = expert_of_tile(first_row, experts, static_cast<int>(row));
      float values[Epilogue::kParts][kChunkColumns];
      for (int part = 0; part < Epilogue::kParts; ++part) {
        const Sum* const from = sums.data + (part * sums.rows + row) * sums.stride + column;
        load_run(from, columns, values[part]);
      }
      sum = epilogue.finish({expert, row, column, columns}, values);
    }
    if constexpr (Epilogue::kSumsRows) {
      sum = sum_of_eight(sum);
      const int first_column = column / kSliceFloats * kSliceFloats;
      if (i < count && i % 8 == 0) epilogue.finish_row(row, first_column, sum);
    }
  }
}

}  // namespace moesim::model::cuda
