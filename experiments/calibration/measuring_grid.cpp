// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/measuring_grid.h"

#include "experiments/build_info.h"

namespace moesim::experiments {
namespace {

struct GemmSize {
  int n;
  int k;
};
struct ExpertSize {
  int experts;
  int topk;
  int hidden;
  int inter;
};
struct AttentionSize {
  std::vector<int> heads;
  int head_size;
  std::vector<int> lengths;
  std::vector<int> sequences;
};

struct Grid {
  std::vector<GemmSize> gemms;
  std::vector<int> rows;
  std::vector<ExpertSize> experts;
  std::vector<ExpertSize> moves;  // inter is 0
  std::vector<int> tokens;
  AttentionSize attention;
};

Grid grid_of(GridSize size) {
  switch (size) {
    case GridSize::small:
      return {{{256, 128}, {128, 256}, {320, 192}},
              {1, 16, 64, 129},
              {{8, 2, 128, 256}, {16, 2, 256, 128}, {16, 4, 192, 320}},
              {{8, 2, 64, 0}, {16, 2, 256, 0}, {64, 8, 256, 0}},
              {16, 129},
              {{2, 4}, 32, {128, 256}, {1, 2, 4}}};
    case GridSize::processor:
      return {{{256, 128}, {128, 256}, {512, 512}, {1024, 256}, {320, 192}, {256, 1024}},
              {1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 129, 192, 256, 320, 512, 768, 1024, 2048},
              {{8, 2, 128, 256},
               {16, 2, 256, 128},
               {32, 4, 256, 256},
               {64, 8, 128, 64},
               {16, 4, 192, 320}},
              {{8, 2, 64, 0}, {16, 2, 256, 0}, {64, 8, 256, 0}, {16, 4, 1024, 0}},
              {1, 4, 16, 64, 129, 193, 256, 512, 1024},
              {{2, 4}, 32, {128, 256, 512, 1024}, {1, 2, 4}}};
    case GridSize::accelerator:
      break;
  }
  // Projections, shared experts and experts of Qwen3-30B-A3B, Mixtral 8x7B, OLMoE and a rank of
  // DeepSeek-V3's in groups of 32 (model/presets); 1400 and 1336 are multiples of no tile.
  return {{{2048, 2048}, {4096, 2048}, {768, 2048}, {4096, 4096}, {2048, 7168}, {1336, 1400}},
          {1, 4, 16, 32, 48, 64, 96, 128, 129, 192, 256, 320, 512, 768, 1024, 2048, 4096, 8192},
          {{128, 8, 2048, 1536},
           {128, 8, 768, 2048},
           {8, 2, 4096, 14336},
           {64, 8, 2048, 1024},
           {8, 1, 7168, 2048},
           {32, 4, 1400, 1336}},
          {{128, 8, 2048, 0}, {8, 2, 4096, 0}, {8, 1, 7168, 0}, {32, 4, 1400, 0}},
          {1, 16, 64, 129, 256, 512, 1024, 2048, 4096, 8192, 16384},
          {{16, 32}, 128, {512, 1024, 2048}, {1, 2, 4}}};
}

LatencyRow grid_row(const char* kernel, const ExpertSize& size) {
  LatencyRow row;
  row.engine = "moesim";
  row.version = build_version();
  row.kernel = kernel;
  row.experts = size.experts;
  row.topk = size.topk;
  row.hidden = size.hidden;
  row.inter = size.inter;
  return row;
}

void add_tokens(LatencyRow row, const std::vector<int>& tokens, std::vector<LatencyRow>& rows) {
  for (const int count : tokens) {
    row.tokens = count;
    rows.push_back(row);
  }
}

}  // namespace

std::vector<LatencyRow> measuring_grid(GridSize size) {
  const Grid grid = grid_of(size);
  std::vector<LatencyRow> rows;
  for (const GemmSize& gemm : grid.gemms) {
    add_tokens(grid_row(sim::kGemm, {1, 1, gemm.k, gemm.n}), grid.rows, rows);
  }
  for (const ExpertSize& experts : grid.experts) {
    LatencyRow row = grid_row(sim::kGroupedGemm, experts);
    for (const char* distribution : {"balanced", "power_law_1.2"}) {
      row.distribution = distribution;
      add_tokens(row, grid.tokens, rows);
    }
  }
  for (const char* kernel : {sim::kPermute, sim::kCombine}) {
    for (const ExpertSize& move : grid.moves) add_tokens(grid_row(kernel, move), grid.tokens, rows);
  }
  for (const int heads : grid.attention.heads) {
    for (const int length : grid.attention.lengths) {
      std::vector<int> tokens;
      for (const int sequences : grid.attention.sequences) tokens.push_back(sequences * length);
      add_tokens(grid_row(sim::kAttention, {heads, 1, heads * grid.attention.head_size, length}),
                 tokens, rows);
    }
  }
  return rows;
}

}  // namespace moesim::experiments
