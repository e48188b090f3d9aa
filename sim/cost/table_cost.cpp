// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/table_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/named_table.h"

namespace moesim::sim {
namespace {

using base::Seconds;

KernelModel without_workers(KernelModel model, int reserved) {
  const int left = std::max(model.workers - reserved, 1);
  for (Tile& tile : model.tiles) tile.rate = tile.rate * (1.0 * left / model.workers);
  model.workers = left;
  return model;
}

// The file's own name and content, so that figures do not hang on the folder it lies in.
std::string name_of(const CostTable& table, const topologies::Accelerator& accelerator) {
  const std::string& name = accelerator.cost_table;
  if (table.sha256.empty()) return name;
  constexpr std::size_t kShownDigits = 8;
  return std::filesystem::path(name).filename().string() + " sha256 " +
         table.sha256.substr(0, kShownDigits);
}

// The words of a device's name up to the first with a digit: maker and model.
std::vector<std::string> model_words(const std::string& name) {
  std::vector<std::string> words = {""};
  for (const char letter : name) {
    const bool is_between = letter == ' ' || letter == '-' || letter == ',';
    if (!is_between) {
      words.back() += letter;
    } else if (words.back().find_first_of("0123456789") != std::string::npos) {
      break;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

GroupedRows rows_of_one(double rows) {
  const int whole = static_cast<int>(rows);
  return sum_rows(std::span(&whole, 1));
}

}  // namespace

base::EnumNames<CostSource> names_of(CostSource) {
  return {{CostSource::roofline, "roofline"}, {CostSource::table, "table"}};
}

base::EnumNames<Clocks> names_of(Clocks) {
  return {{Clocks::burst, "burst"}, {Clocks::sustained, "sustained"}};
}

void describe(base::FieldTable& table, CostConfig& cost) {
  table.title("cost", "Where the time of computation comes from.");
  table.field("source", cost.source,
              "roofline: the accelerator's achievable rates. table: what its cost_table was fitted "
              "to; parts that the table does not know keep the roofline.");
  table
      .field("clocks", cost.clocks,
             "burst: as in measurements of milliseconds. sustained: as in long runs, where the "
             "table says how much slower these are.")
      .used_when(cost.source == CostSource::table, "cost.source is table");
}

TableCost::TableCost(std::shared_ptr<const CostTable> table, Clocks clocks, int reserved_sms)
    : table_(*table), clocks_(clocks) {
  for (auto& [family, kernel] : table_.kernels) {
    kernel.model = without_workers(kernel.model, reserved_sms);
    if (clocks == Clocks::burst || kernel.sustained_slowdown) continue;
    throw base::Error("/cost/clocks",
                      "the cost table \"" + table_.name + "\" knows " + family + " in bursts only",
                      "use burst, or a table that `moesim calibrate compute` measured");
  }
}

const KernelTable* TableCost::find(const char* family) const {
  const auto found = table_.kernels.find(family);
  return found == table_.kernels.end() ? nullptr : &found->second;
}

Seconds TableCost::slowed(const KernelTable& kernel, Seconds time) const {
  return clocks_ == Clocks::burst ? time : time * kernel.sustained_slowdown.value_or(1);
}

Seconds TableCost::timed(const KernelTable& kernel, int hidden, const KernelWork& work) const {
  return slowed(kernel, time_work(kernel.model, work) * residual_factor(kernel, hidden, work));
}

PassTimes TableCost::layer(const KernelTable& kernel, std::span<const int> rows,
                           const ExpertShape& shape) const {
  const double hidden = shape.hidden;
  const double inter = shape.intermediate;
  const double first = shape.gated ? 2 * inter : inter;
  KernelWork work;
  work.rows = sum_rows(rows);
  work.tokens = work.rows.total / shape.top_k;
  work.intermediate = shape.intermediate;
  work.gemms = {{first, hidden}, {hidden, inter}};
  work.moved_bytes = kernel.model.element_bytes * work.rows.total * (first + inter);
  const double factor = residual_factor(kernel, shape.hidden, work);
  const Seconds forward = time_work(kernel.model, work);
  work.gemms = {{inter, hidden}, {hidden, first}};
  work.moved_bytes *= 2;
  const Seconds backward = time_work(kernel.model, work) +
                           time_weight_gradient(kernel.model, rows, {first, hidden}) +
                           time_weight_gradient(kernel.model, rows, {hidden, inter});
  return {slowed(kernel, forward * factor), slowed(kernel, backward * factor)};
}

PassTimes TableCost::one_gemm(const KernelTable& kernel, std::span<const int> rows,
                              const GemmShape& shape, double tokens) const {
  KernelWork work;
  work.rows = sum_rows(rows);
  work.tokens = tokens;
  const auto forward = [&](const GemmShape& gemm) {
    work.intermediate = static_cast<int>(gemm.n);
    work.gemms = {gemm};
    return timed(kernel, static_cast<int>(gemm.k), work);
  };
  return {forward(shape), forward({shape.k, shape.n}) +
                              slowed(kernel, time_weight_gradient(kernel.model, rows, shape))};
}

PassTimes TableCost::single_gemms(const KernelTable& kernel, std::span<const int> rows,
                                  const ExpertShape& shape) const {
  const double hidden = shape.hidden;
  const double inter = shape.intermediate;
  const double first = shape.gated ? 2 * inter : inter;
  double total = 0;
  for (const int expert_rows : rows) total += expert_rows;
  PassTimes all = one_gemm(kernel, rows, {first, hidden}, total / shape.top_k) +
                  one_gemm(kernel, rows, {hidden, inter}, total / shape.top_k);
  const KernelTable* copies = find(kPermute);
  if (copies != nullptr) all = all + moved(*copies, total, total * (first + inter));
  return all;
}

std::optional<PassTimes> TableCost::experts(std::span<const int> rows,
                                            const ExpertShape& shape) const {
  const KernelTable* whole = find(kMoeLayer);
  const KernelTable* grouped = find(kGroupedGemm);
  if (whole == nullptr && grouped == nullptr) return std::nullopt;
  if (sum_rows(rows).total == 0) return PassTimes{};
  return whole != nullptr ? layer(*whole, rows, shape) : single_gemms(*grouped, rows, shape);
}

PassTimes TableCost::moved(const KernelTable& kernel, double rows, double elements) const {
  KernelWork work;
  work.rows = rows_of_one(rows);
  work.moved_bytes = kernel.model.element_bytes * elements;
  const Seconds forward = slowed(kernel, time_work(kernel.model, work));
  work.moved_bytes *= 2;
  return {forward, slowed(kernel, time_work(kernel.model, work))};
}

std::optional<PassTimes> TableCost::combine(double tokens, double rows, int hidden) const {
  if (const KernelTable* sums = find(kCombine)) return moved(*sums, rows, (tokens + rows) * hidden);
  // A whole layer was timed with its sum: the sum's bytes at the layer's rate, no launch of its
  // own.
  const KernelTable* whole = find(kMoeLayer);
  if (whole == nullptr) return std::nullopt;
  const double bytes = whole->model.element_bytes * (tokens + rows) * hidden;
  const Seconds forward = slowed(*whole, base::Bytes(bytes) / whole->model.moved);
  return PassTimes{forward, 2.0 * forward};
}

std::optional<PassTimes> TableCost::permute(double tokens, double rows, int hidden) const {
  const KernelTable* copies = find(kPermute);
  if (copies == nullptr) return std::nullopt;
  return moved(*copies, rows, copied_rows(tokens, rows) * hidden);
}

std::optional<PassTimes> TableCost::linear(int rows, std::int64_t n, std::int64_t k) const {
  const KernelTable* kernel = find(kGemm);
  if (kernel == nullptr) return std::nullopt;
  return one_gemm(*kernel, std::span(&rows, 1), {static_cast<double>(n), static_cast<double>(k)},
                  rows);
}

std::optional<PassTimes> TableCost::attention(double tokens, double width, int seq_length) const {
  const KernelTable* kernel = find(kAttention);
  if (kernel == nullptr) return std::nullopt;
  KernelWork work;
  work.rows = rows_of_one(tokens);
  work.fused_flops = 4.0 * tokens * (seq_length / 2.0) * width;
  work.moved_bytes = 4.0 * kernel->model.element_bytes * tokens * width;
  const Seconds forward = slowed(*kernel, time_work(kernel->model, work));
  work.fused_flops *= 2;
  work.moved_bytes *= 2;
  return PassTimes{forward, slowed(*kernel, time_work(kernel->model, work))};
}

std::shared_ptr<const CostTable> cost_table_of(const topologies::Accelerator& accelerator,
                                               const std::string& where) {
  if (!accelerator.cost_table.empty()) {
    return find_cost_table(accelerator.cost_table, where + "/cost_table");
  }
  std::string hint = "name one";
  for (const std::string& name : cost_table_names())
    hint += (hint == "name one" ? ": " : ", ") + name;
  throw base::Error(where + "/cost_table",
                    "cost.source is table, but the accelerator names no cost table",
                    hint + "; or use cost.source roofline");
}

std::shared_ptr<const CostTable> CostTables::of(const topologies::Accelerator& accelerator) {
  std::shared_ptr<const CostTable>& known = by_name_[accelerator.cost_table];
  if (known == nullptr) known = cost_table_of(accelerator, "/cluster/node/accelerator");
  return known;
}

std::string cost_source_text(const CostConfig& cost,
                             std::span<const topologies::Accelerator* const> accelerators,
                             CostTables& tables) {
  if (cost.source == CostSource::roofline) return base::name_in_words(cost.source);
  std::string text;
  std::set<std::string> named;
  for (const topologies::Accelerator* accelerator : accelerators) {
    if (!named.insert(accelerator->cost_table).second) continue;
    const auto table = tables.of(*accelerator);
    text += fmt::format("{} {} (fitted to {})", text.empty() ? "table" : ",",
                        name_of(*table, *accelerator), table->machine);
  }
  return text + ", " + base::name_in_words(cost.clocks) + " clocks";
}

bool is_roofline(std::string_view cost_source) {
  return cost_source.empty() || cost_source == base::name_in_words(CostSource::roofline);
}

std::optional<std::string> other_machine_warning(const CostTable& table,
                                                 const topologies::Accelerator& accelerator) {
  const auto is_far = [](auto of_table, auto of_accelerator) {
    const double ratio = of_table / of_accelerator;
    return ratio > 1.01 || ratio < 0.5;
  };
  const std::string& device = table.device.empty() ? table.machine : table.device;
  const bool is_called_otherwise = model_words(device) != model_words(accelerator.name);
  if (!is_called_otherwise && !is_far(table.peak, accelerator.peak_bf16) &&
      !is_far(table.peak_bandwidth, accelerator.memory_bandwidth)) {
    return std::nullopt;
  }
  return fmt::format(
      "the cost table {} was fitted to {} ({}, {}), and the accelerator is {} ({}, {}): what the "
      "table times is as on the former",
      name_of(table, accelerator), table.machine, base::to_text(table.peak),
      base::to_text(table.peak_bandwidth), accelerator.name, base::to_text(accelerator.peak_bf16),
      base::to_text(accelerator.memory_bandwidth));
}

}  // namespace moesim::sim
