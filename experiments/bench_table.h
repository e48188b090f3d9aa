// SPDX-License-Identifier: Apache-2.0
// What bench-collective prints: the table of nccl-tests, or a JSON object per figure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "experiments/collective_bench.h"

namespace moesim::experiments {

// nccl-tests' name of an element's type.
struct ElementType {
  const char* name;
  int bytes;
};

// One collective of the table.
struct BenchColumn {
  BenchVariant variant;
  std::optional<CollectiveBench> bench;  // none where it cannot be made
  std::optional<base::Error> error;      // after which it has no more figures
};

// One size of the table.
struct BenchRow {
  base::Bytes size;
  ElementType type;
  std::vector<std::optional<BenchFigures>> figures;  // [columns]; none: it has failed
};

// The column whose elements the table counts: the first that could be made, which there must be.
const CollectiveBench& counted(const std::vector<BenchColumn>& columns);

// What sizes are whole multiples of: an element, or one of each block where ranks cut the buffer
// into blocks.
base::Bytes granule_of(const ElementType& type, const CollectiveBench& bench);

std::string table_head(const std::vector<BenchColumn>& columns);

// Dashes stand for the figures of a column that has failed.
std::string table_row(const std::vector<BenchColumn>& columns, const BenchRow& row);

// One line per column; one that has failed says "error" instead of figures.
std::string json_lines(const std::vector<BenchColumn>& columns, const BenchRow& row,
                       bool with_wall_time);

}  // namespace moesim::experiments
