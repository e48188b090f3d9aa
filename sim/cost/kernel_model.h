// SPDX-License-Identifier: Apache-2.0
// How long a calibrated kernel takes, from the rows that each expert really has. One GEMM over all
// experts, C[m_e, n] = A[m_e, k] B_e[k, n], on S workers (SMs, cores) in tiles of BM x BN:
//
//   tiles = sum_e ceil(m_e / BM) ceil(n / BN)       fill = sum_e m_e / (BM sum_e ceil(m_e / BM))
//   math  = [(1-q) max(1, tiles / S) + q ceil(tiles / S)]
//           2 BM BN (k (1 - f + f fill) + k0) / (F_tile / S)
//   t     = gemm_fixed + per_expert A + g BN k b / (B_tile / S) + a (n + k) sum_e m_e b / B_tile
//           + ((A n k b / B_tile)^p + math^p)^(1/p)
//   A     : experts with rows;  b: bytes of an element
//
// A kernel family adds fixed + per_row (sum_e m_e) + moved bytes / moved to its GEMMs. Where the
// form comes from and what its terms stand for: docs/models.md, "Calibrated compute".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"

namespace moesim::sim {

// The heights that tiles may have.
inline constexpr std::array<int, 6> kTileHeights = {8, 16, 32, 64, 128, 256};

// What the rows of all experts of one launch come down to.
struct GroupedRows {
  double total = 0;
  double experts = 0;
  double active = 0;                                // experts with rows
  double largest = 0;                               // rows of the fullest expert
  std::array<double, kTileHeights.size()> tiles{};  // sum over experts of ceil(rows / height)

  bool operator==(const GroupedRows&) const = default;
};

GroupedRows sum_rows(std::span<const int> rows);

// Rows that a copy of `rows` rows out of those of `tokens` moves: each is written, and a token's
// row comes from memory once, however many copies it gets.
double copied_rows(double tokens, double rows);

struct Tile {
  int rows = 0;  // one of kTileHeights
  int columns = 0;
  base::FlopsPerSecond rate;       // of the whole machine in tiles of this kind
  base::BytesPerSecond bandwidth;  // at which it streams its operands

  bool operator==(const Tile&) const = default;
};

// What the steps of a rule count.
enum class TileMeasure { tokens, tokens_per_expert };
base::EnumNames<TileMeasure> names_of(TileMeasure);

struct TileStep {
  std::optional<double> up_to;  // null: all beyond
  int rows = 0;
  int columns = 0;

  bool operator==(const TileStep&) const = default;
};

// Which tile a launch takes: the steps' first whose bound is not exceeded. Holds for the named
// number of experts and expert width, or for any.
struct TileRule {
  std::optional<int> experts;
  std::optional<int> intermediate;
  TileMeasure by = TileMeasure::tokens;
  std::vector<TileStep> steps;

  bool operator==(const TileRule&) const = default;
};

struct KernelModel {
  int workers = 1;
  double element_bytes = 2;
  base::Seconds fixed;           // of the family, once
  base::Seconds per_row;         // sorting and indexing
  base::BytesPerSecond moved;    // at which rows are copied, activated and summed
  base::Seconds gemm_fixed;      // of each GEMM
  base::Seconds per_expert;      // of each GEMM and expert with rows
  double stage_fill = 0;         // g: columns of B that are awaited before the first product
  double activation_passes = 0;  // a: how often rows are read and written beside the products
  double exponent = 2;           // p
  double whole_waves = 0;        // q, 0: waves overlap freely, 1: only whole ones
  double depth_overhead = 0;     // k0, of a tile, in units of k
  double fill_dependence = 0;    // f, 1: rows that are not there cost nothing
  std::vector<Tile> tiles;       // at least one where there are GEMMs
  std::vector<TileRule> rules;   // the first that holds; none: the fastest tile, as autotuned

  bool operator==(const KernelModel&) const = default;
};

struct GemmShape {
  double n = 0;
  double k = 0;

  bool operator==(const GemmShape&) const = default;
};

// What one launch of a family does.
struct KernelWork {
  GroupedRows rows;
  double tokens = 0;     // before they are spread over experts: what tile rules count
  int intermediate = 0;  // width of an expert, for tile rules; 0: none
  std::vector<GemmShape> gemms;
  double moved_bytes = 0;
  double fused_flops = 0;  // of matrix work that is not a GEMM, under the moved bytes' time

  bool operator==(const KernelWork&) const = default;
};

// Seconds of the work. Without rows 0.
base::Seconds time_work(const KernelModel& model, const KernelWork& work);

// The weight gradient B[k, n] of every expert: tiles cover [k, n], the rows are the depth. The
// model's rates hold, though they were not measured on it. Experts without rows write zeros.
base::Seconds time_weight_gradient(const KernelModel& model, std::span<const int> rows,
                                   const GemmShape& shape);

// What single fields cannot check. Throws base::Error at `where` + "/tiles/2/rows".
void validate(const KernelModel& model, const std::string& where);

// The keys of a model, for the tables that hold one.
void add_fields(base::FieldTable& table, KernelModel& model);
void describe(base::FieldTable& table, Tile& tile);
void describe(base::FieldTable& table, TileStep& step);
void describe(base::FieldTable& table, TileRule& rule);

}  // namespace moesim::sim
