// SPDX-License-Identifier: Apache-2.0
// Which way the experts' products in bf16 are computed on a device, by a table: the first rule that
// fits decides. Float has one way, the reference (grouped_launch.h) or cuBLAS where it is asked
// for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json_reader.h"

namespace moesim::model::cuda {

enum class ProductMethod {
  warps,           // mma.sync, from compute capability 8.0 on
  warpgroups,      // wgmma, compute capability 9.0 alone
  cublas_loop,     // cuBLAS, a product for each expert over several streams
  cublas_grouped,  // cuBLAS, one grouped call
};
base::EnumNames<ProductMethod> names_of(ProductMethod);

struct MethodRule {
  std::string compute_capability;  // "9.0"; empty: any
  double min_rows_per_expert = 0;  // the mean over experts that have rows
  double min_expert_flops = 0;     // of one expert's product of that many rows
  ProductMethod method = ProductMethod::warps;
};
void describe(base::FieldTable& table, MethodRule& rule);

struct MethodTable {
  bool measured = false;
  std::string source;  // what was measured where, or whose rule it is
  std::vector<MethodRule> rules;
};
void describe(base::FieldTable& table, MethodTable& methods);

// Throws base::Error where the file is no such table, or its last rule is not for everything: then
// it is cuBLAS's too, which has to know the rows.
MethodTable read_method_table(const std::filesystem::path& path);
// The table that ships with the program.
MethodTable shipped_method_table();

// What a rule asks for.
struct ProductSize {
  std::string compute_capability;
  std::vector<std::int32_t> first_row;  // [experts + 1]; empty: not known, so cuBLAS is not asked
  int columns = 0;                      // of the product, of all parts together
  int depth = 0;
};

ProductMethod choose_method(const MethodTable& methods, const ProductSize& size);

}  // namespace moesim::model::cuda
