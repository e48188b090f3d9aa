// SPDX-License-Identifier: Apache-2.0
// What the experts' products are measured on: layers of published models, numbers of tokens and
// three ways of choosing experts. Every program reads the same choices, from files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace moesim::bench {

struct LayerShape {
  const char* name;
  int experts;
  int top_k;
  int hidden;
  int units;  // of a gated expert
};

// dsv3_ep32: the 8 experts of one of 32 ranks, each row a token of its own.
constexpr std::array<LayerShape, 7> kShapes = {{{"qwen3_30b", 128, 8, 2048, 768},
                                                {"mixtral", 8, 2, 4096, 14336},
                                                {"dsv3_ep32", 8, 1, 7168, 2048},
                                                {"olmoe", 64, 8, 2048, 1024},
                                                {"qwen3_235b", 128, 8, 4096, 1536},
                                                {"fine_512", 256, 8, 2048, 512},
                                                {"dsv3", 256, 8, 7168, 2048}}};

// Mean rows of an expert; some lie off the multiples of every tile.
constexpr std::array<int, 14> kMeanRows = {1,   4,   8,   16,  32,  64,   96,
                                           128, 193, 256, 384, 512, 1024, 2048};

enum class Distribution { balanced, multinomial, power_law };
constexpr std::array<Distribution, 3> kDistributions = {
    Distribution::balanced, Distribution::multinomial, Distribution::power_law};
const char* name_of(Distribution distribution);

struct BenchPoint {
  LayerShape shape;
  int mean_rows;
  int tokens;  // mean_rows * experts / top_k, at least 1
  Distribution distribution;

  std::int64_t rows() const { return std::int64_t{tokens} * shape.top_k; }
  // Of the forward pass: gate, up and down.
  double flops() const { return 6.0 * static_cast<double>(rows()) * shape.hidden * shape.units; }
  std::string file_name() const;
  // Whether the whole layer is timed too: of the layers that goals are set for always, of others
  // at three means; not of one rank's experts, whose layer lies on several.
  bool times_layer() const;
};

// Those of at most `most_flops`, the shapes' order; of each shape first the means that goals are
// set for (64, 256, 1,024).
std::vector<BenchPoint> bench_points(double most_flops);

// [tokens, top_k], each token's experts, all different. balanced: in turn, so that counts differ by
// one at most. multinomial: all sets alike. power_law: an expert's weight is its rank to the power
// -1.2, ranks shuffled; sets drawn without replacement (arXiv 1903.06059: top-k of logarithms of
// weights with Gumbel noise). The same on every machine.
std::vector<std::int32_t> expert_choices(const BenchPoint& point);

// [tokens, experts], the logits whose top-k are these choices, in their order: 2 - slot / top_k for
// the chosen, from 0 to less than 1/2 for the others ((37 e mod 64) / 128). torch_layers.py makes
// the same.
std::vector<float> logits_for(const BenchPoint& point, const std::vector<std::int32_t>& choices);
// [top_k] what the chosen of every token weigh: the softmax of their logits.
std::vector<double> routing_weights(int top_k);

// Rows in the experts' order, by token within an expert.
struct RowOrder {
  std::vector<std::int32_t> first_row;  // [experts + 1]
  std::vector<std::int32_t> token;      // [rows]
};
RowOrder row_order(const BenchPoint& point, const std::vector<std::int32_t>& choices);

// Writes each point's choices, int32 of this machine's byte order, and points.ndjson, a line each:
// shape, experts, top_k, hidden, units, mean_rows, tokens, distribution, flops, layer
// (times_layer), file.
void write_points(const std::vector<BenchPoint>& points, const std::filesystem::path& folder);

}  // namespace moesim::bench
