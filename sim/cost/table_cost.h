// SPDX-License-Identifier: Apache-2.0
// The parts of a layer as a cost table times them, from the rows that each expert really has. What
// the table does not know is the roofline's to say (layer_cost.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sim/cost/cost_table.h"
#include "sim/cost/pass_times.h"
#include "topologies/accelerator.h"

namespace moesim::sim {

// Where the time of computation comes from.
enum class CostSource { roofline, table };
base::EnumNames<CostSource> names_of(CostSource);

// burst: as in measurements of milliseconds. sustained: as in long runs, at the power limit.
enum class Clocks { burst, sustained };
base::EnumNames<Clocks> names_of(Clocks);

struct CostConfig {
  CostSource source = CostSource::roofline;
  Clocks clocks = Clocks::burst;
};
void describe(base::FieldTable& table, CostConfig& cost);

struct ExpertShape {
  int hidden = 0;
  int intermediate = 0;
  bool gated = true;
  int top_k = 1;  // a token's rows, over all experts of the layer
};

class TableCost {
 public:
  // `reserved_sms` of the workers never compute; each takes its share of the tiles' rates along.
  // Throws base::Error at /cost/clocks where sustained clocks are asked for, but a kernel of the
  // table was measured in bursts only.
  TableCost(std::shared_ptr<const CostTable> table, Clocks clocks, int reserved_sms);

  // Sorting, both GEMMs and the activation between them. Without rows 0. nullopt: not in the table.
  std::optional<PassTimes> experts(std::span<const int> rows, const ExpertShape& shape) const;
  // The weighted sum of `rows` rows of width `hidden` into `tokens`; their gradient moves twice the
  // bytes.
  std::optional<PassTimes> combine(double tokens, double rows, int hidden) const;
  // A copy of the rows of `tokens`, `hidden` wide, into `rows` rows; their gradient moves twice the
  // bytes.
  std::optional<PassTimes> permute(double tokens, double rows, int hidden) const;
  // [rows, k] x [k, n], its gradients of data and weights.
  std::optional<PassTimes> linear(int rows, std::int64_t n, std::int64_t k) const;
  // Scores and weighted values of `tokens` with `width` for all heads together, each seeing
  // seq_length / 2 keys on average.
  std::optional<PassTimes> attention(double tokens, double width, int seq_length) const;

 private:
  const KernelTable* find(const char* family) const;
  base::Seconds timed(const KernelTable& kernel, int hidden, const KernelWork& work) const;
  base::Seconds slowed(const KernelTable& kernel, base::Seconds time) const;
  PassTimes layer(const KernelTable& kernel, std::span<const int> rows,
                  const ExpertShape& shape) const;
  PassTimes single_gemms(const KernelTable& kernel, std::span<const int> rows,
                         const ExpertShape& shape) const;
  PassTimes one_gemm(const KernelTable& kernel, std::span<const int> rows, const GemmShape& shape,
                     double tokens) const;
  PassTimes moved(const KernelTable& kernel, double rows, double elements) const;

  CostTable table_;
  Clocks clocks_;
};

// The cost table that the accelerator names. Throws base::Error at `where` + "/cost_table" where it
// names none or one that there is not.
std::shared_ptr<const CostTable> cost_table_of(const topologies::Accelerator& accelerator,
                                               const std::string& where);

// The cost tables of a step's accelerators, each read once.
class CostTables {
 public:
  // As cost_table_of(), at /cluster/node/accelerator.
  std::shared_ptr<const CostTable> of(const topologies::Accelerator& accelerator);

 private:
  std::map<std::string, std::shared_ptr<const CostTable>> by_name_;
};

// In words: "roofline", or "table h200_trtllm (fitted to NVIDIA H200 SXM 141 GB), burst clocks",
// with every table that the accelerators name. Throws as cost_table_of().
std::string cost_source_text(const CostConfig& cost,
                             std::span<const topologies::Accelerator* const> accelerators,
                             CostTables& tables);

// Whether a result's `cost_source` says roofline, as all did before they said anything.
bool is_roofline(std::string_view cost_source);

// A sentence where the accelerator is another machine than its table's: called otherwise, or with a
// peak or memory bandwidth more than 1 % below the table's, whose ceilings are rounded to three
// digits, or above twice it. nullopt: it is the table's machine.
// Names agree that are the same up to their first word with a digit, which a driver and a data
// sheet have in common ("NVIDIA H200" and "NVIDIA H200 SXM 141 GB"), or without one altogether.
std::optional<std::string> other_machine_warning(const CostTable& table,
                                                 const topologies::Accelerator& accelerator);

}  // namespace moesim::sim
