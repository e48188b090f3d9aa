// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/layer_kernels.h"

#include "model/cuda/cuda_thread.h"
#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/kernels/grouped_sums.h"
#include "model/cuda/kernels/move_rows.h"
#include "model/cuda/kernels/order_by_expert.h"
#include "model/cuda/kernels/route_tokens.h"

namespace moesim::bench {

using model::cuda::Bf16;
using model::cuda::queue_kernel;
using model::cuda::require;

namespace {

model::cuda::Pairs pairs_of(const LayerRouting& routing) {
  model::cuda::Pairs pairs;
  pairs.experts = routing.chosen;
  pairs.count = routing.tokens * routing.top_k;
  pairs.num_experts = routing.experts;
  return pairs;
}

}  // namespace

int blocks_of_order(std::int64_t pairs) {
  return static_cast<int>(model::cuda::ceil_divide(pairs, model::cuda::kPairsPerBlock));
}

void route_and_order(const LayerRouting& routing, CUstream_st* stream) {
  model::cuda::RouteTokens route;
  route.logits = routing.logits;
  route.scores = routing.scores;
  route.experts = routing.chosen;
  route.weights = routing.weights;
  route.tokens = routing.tokens;
  route.rule.num_experts = routing.experts;
  route.rule.top_k = routing.top_k;
  queue_kernel(route, model::cuda::blocks_for_tokens(routing.tokens),
               model::cuda::room_for_groups(route.rule), stream);

  const model::cuda::Pairs pairs = pairs_of(routing);
  const std::size_t counts =
      sizeof(std::int32_t) * model::cuda::kOrderWarps * static_cast<std::size_t>(routing.experts);
  const int blocks = pairs.blocks();
  queue_kernel(model::cuda::CountPairs{pairs, routing.table}, blocks, counts, stream);
  queue_kernel(model::cuda::SumTable{routing.table, routing.first_row, routing.experts, blocks}, 1,
               sizeof(std::int32_t) * model::cuda::SumTable::kThreads, stream);
  queue_kernel(model::cuda::PlacePairs{pairs, routing.table, routing.place, routing.pair_of},
               blocks, counts, stream);
  model::cuda::NameTokensOfRows name;
  name.pair_of = routing.pair_of;
  name.count = routing.first_row + routing.experts;
  name.token_of = routing.token_of;
  name.top_k = routing.top_k;
  queue_kernel(name, model::cuda::blocks_for_elements(pairs.count), 0, stream);
  require(cudaGetLastError(), "the routing");
}

void combine_rows(const LayerRouting& routing, const Bf16* rows, int width, Bf16* to,
                  CUstream_st* stream) {
  model::cuda::CombineIntoBf16 combine;
  combine.from = rows;
  combine.to = to;
  combine.place = routing.place;
  combine.weights = routing.weights;
  combine.width = width;
  combine.slots = routing.top_k;
  queue_kernel(combine, routing.tokens, 0, stream);
  require(cudaGetLastError(), "the combination");
}

}  // namespace moesim::bench
