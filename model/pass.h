// SPDX-License-Identifier: Apache-2.0
// What a forward or backward pass runs with, the same for all layers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "base/thread_pool.h"
#include "model/backend.h"

namespace moesim::model {

template <class S>
struct Pass {
  const Backend<S>& backend;
  base::ThreadPool& threads;
  // Training draws noise, jitter and dropout; otherwise there are none.
  bool training = false;
  // Key of the pass's draws (base::RandomField): the same key, layer and element give the same
  // draw, so a backward pass and a recomputed forward pass see what the forward pass saw.
  std::uint64_t seed = 0;
  // Backward passes add to the gradient, for accumulation over micro-batches, instead of writing
  // it.
  bool add_gradients = false;
};

constexpr Index kRowsPerPiece = 32;

// Calls work(first, end) for pieces of [0, rows) on the pass's threads. The pieces' sizes do not
// depend on the number of threads, and neither may the result.
template <class S>
void for_row_pieces(const Pass<S>& pass, Index rows,
                    const std::function<void(Index first, Index end)>& work) {
  const Index pieces = (rows + kRowsPerPiece - 1) / kRowsPerPiece;
  pass.threads.run(static_cast<int>(pieces), [&](int piece) {
    const Index first = piece * kRowsPerPiece;
    work(first, std::min(rows, first + kRowsPerPiece));
  });
}

}  // namespace moesim::model
