// SPDX-License-Identifier: Apache-2.0
// Matrix products on the processor. Every element of a result is one chain of fused multiply-adds
// over k in order, which begins with the bias, the element itself (accumulate) or 0, in the
// operands' type: the same bits whichever kernels compute it and however it is cut into tiles.
#pragma once

#include <span>

#include "base/thread_pool.h"
#include "model/backend.h"

namespace moesim::model {

// The instructions that the kernels use.
enum class GemmKernels { portable, avx2, avx512 };

bool is_supported(GemmKernels kernels);
// The widest that this processor has.
GemmKernels best_gemm_kernels();

// On the calling thread, without a thread pool: for small products inside a piece of work.
template <class S>
void multiply_serial(const Product<S>& product, GemmKernels kernels = best_gemm_kernels());

// Shares tiles of all products among the threads. The products do not touch each other's results.
template <class S>
void multiply_on(base::ThreadPool& threads, std::span<const Product<S>> products,
                 GemmKernels kernels = best_gemm_kernels());

}  // namespace moesim::model
