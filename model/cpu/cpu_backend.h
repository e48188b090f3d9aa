// SPDX-License-Identifier: Apache-2.0
// The backend that every machine has and that all others are judged by: own packed products for
// AVX-512 and AVX2 (chosen at run time, with the same bits) and for any other processor.
#pragma once

#include <memory>

#include "base/thread_pool.h"
#include "model/backend.h"

namespace moesim::model {

// float and double. `threads` must outlive the backend.
template <class S>
std::unique_ptr<Backend<S>> make_cpu_backend(base::ThreadPool& threads);

}  // namespace moesim::model
