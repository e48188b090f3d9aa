// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/method_choice.h"

#include <algorithm>

#include "base/data_directory.h"
#include "base/error.h"

namespace moesim::model::cuda {

base::EnumNames<ProductMethod> names_of(ProductMethod) {
  return {{ProductMethod::warps, "warps"},
          {ProductMethod::warpgroups, "warpgroups"},
          {ProductMethod::cublas_loop, "cublas_loop"},
          {ProductMethod::cublas_grouped, "cublas_grouped"}};
}

void describe(base::FieldTable& table, MethodRule& rule) {
  table.title("method rule", "When experts' products are computed which way.");
  table.field("compute_capability", rule.compute_capability,
              "Of the device, as \"9.0\"; empty: any.");
  table
      .field("min_rows_per_expert", rule.min_rows_per_expert,
             "Mean rows of the experts that have any, at least.")
      .at_least(0);
  table
      .field("min_expert_flops", rule.min_expert_flops,
             "Floating-point operations of one expert's product of so many rows, at least.")
      .at_least(0);
  table.field("method", rule.method, "The way that is taken.").required();
}

void describe(base::FieldTable& table, MethodTable& methods) {
  table.title("methods of products", "The first rule that fits decides.");
  table.field("measured", methods.measured, "Whether the rules follow from a measurement.");
  table.field("source", methods.source, "What was measured where, or whose rule it is.").required();
  table.field("rules", methods.rules, "In the order in which they are asked.").required();
}

namespace {

bool is_cublas(ProductMethod method) {
  return method == ProductMethod::cublas_loop || method == ProductMethod::cublas_grouped;
}

bool fits_everything(const MethodRule& rule) {
  return rule.compute_capability.empty() && rule.min_rows_per_expert == 0 &&
         rule.min_expert_flops == 0 && !is_cublas(rule.method);
}

}  // namespace

MethodTable read_method_table(const std::filesystem::path& path) {
  MethodTable methods;
  base::ReadReport report;
  base::read_json(base::read_json_file(path), methods, report);
  const std::string where = path.string() + "  /rules";
  if (methods.rules.empty() || !fits_everything(methods.rules.back())) {
    throw base::Error(where, "the last rule does not fit every product",
                      "end with a rule that has a \"method\", which needs no counts on the host "
                      "(\"warps\"), and nothing else");
  }
  for (const MethodRule& rule : methods.rules) {
    if (rule.method == ProductMethod::warpgroups && rule.compute_capability != "9.0") {
      throw base::Error(where, "\"warpgroups\" runs on compute capability 9.0 alone",
                        "give its rule \"compute_capability\": \"9.0\"");
    }
  }
  return methods;
}

MethodTable shipped_method_table() {
  return read_method_table(base::data_directory() / "model/cuda/gemm/product_methods.json");
}

ProductMethod choose_method(const MethodTable& methods, const ProductSize& size) {
  int experts = 0;
  for (std::size_t i = 0; i + 1 < size.first_row.size(); ++i) {
    experts += size.first_row[i] < size.first_row[i + 1] ? 1 : 0;
  }
  const bool knows_rows = !size.first_row.empty();
  const double rows = experts == 0 ? 0 : static_cast<double>(size.first_row.back()) / experts;
  const double flops = 2 * rows * size.columns * size.depth;
  const auto fits = [&](const MethodRule& rule) {
    return (rule.compute_capability.empty() ||
            rule.compute_capability == size.compute_capability) &&
           rows >= rule.min_rows_per_expert && flops >= rule.min_expert_flops &&
           (knows_rows || !is_cublas(rule.method));
  };
  return std::find_if(methods.rules.begin(), methods.rules.end(), fits)->method;
}

}  // namespace moesim::model::cuda
