// SPDX-License-Identifier: Apache-2.0
// How long an accelerator takes for a kernel: a roofline whose compute side counts whole tiles and
// whole waves of them, over the rows that each expert really has.
//
//   tiles = sum over experts of ceil(rows / 128) * ceil(n / 128)
//   math  = waves * (time of one 128 x 128 x k tile on one SM)
//   time  = overhead + (memory^p + math^p)^(1/p)
//
// The p-norm form and the values of p, overhead and the memory fraction are presets' data, fitted
// to public cuBLAS timings (docs/models.md, "Compute"). Accelerators without a known SM count have
// no waves: tiles run at the achievable rate.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "topologies/accelerator.h"

namespace moesim::sim {

// The tile that a thread block computes at a time, rows and columns; 128 x 128 is what grouped bf16
// GEMMs use on SM80 and later when rows are few (CUTLASS 3 examples/57_hopper_grouped_gemm).
inline constexpr int kTileRows = 128;
inline constexpr int kTileColumns = 128;

// bf16 C[rows, n] = A[rows, k] * B[k, n] for every expert's rows in one launch; experts without
// rows cost nothing. 0 when there are no rows at all.
base::Seconds time_grouped_gemm(const topologies::Accelerator& accelerator,
                                std::span<const int> rows, std::int64_t n, std::int64_t k);

// The weight gradient dB[k, n] = A[rows, k]^T * dC[rows, n] of every expert in one launch: tiles
// cover [k, n], the rows are summed over in steps of 64. Experts without rows cost the writing of
// their zeros, as the gradient buffer is whole; 0 when the span is empty.
base::Seconds time_grouped_weight_gradient(const topologies::Accelerator& accelerator,
                                           std::span<const int> rows, std::int64_t n,
                                           std::int64_t k);

// Matrix work that is not one GEMM (attention scores) with the bytes it moves.
base::Seconds time_fused(const topologies::Accelerator& accelerator, base::Flops flops,
                         base::Bytes bytes);

// A kernel that only moves bytes (read + written). 0 for 0 bytes.
base::Seconds time_memory_bound(const topologies::Accelerator& accelerator, base::Bytes bytes);

// Rows that the tiles cover beyond the real ones, as a share of all rows covered; 0 without rows.
double padding_share(std::span<const int> rows);

}  // namespace moesim::sim
