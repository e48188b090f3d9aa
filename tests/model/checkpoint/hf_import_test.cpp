// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/hf_import.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "model/checkpoint/float16.h"
#include "model/checkpoint/safetensors.h"
#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_complaint;

using Values = std::vector<float>;
using Paths = std::vector<std::filesystem::path>;

constexpr std::int64_t kHidden = 4;
constexpr std::int64_t kUnits = 3;
constexpr int kExperts = 2;

// Numbers that every format holds exactly, others for each name.
Values values_of(const std::string& name, std::int64_t count) {
  base::Rng rng(1, name);
  Values values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(rng.below(255)) / 64 - 2);
  }
  return values;
}

Tensor random_tensor(const std::string& name, std::vector<std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  const Values values = values_of(name, count);
  return tensor_of(name, std::move(shape), std::span<const float>(values));
}

Tensor as_bfloat16(const Tensor& tensor) {
  const Values values = to_floats(tensor);
  return bfloat16_tensor_of(tensor.name, tensor.shape, std::span<const float>(values));
}

// f16 of numbers with few bits: sign, exponent + 15, the fraction's upper ten bits.
Tensor as_float16(const Tensor& tensor) {
  Tensor half{tensor.name, Dtype::f16, tensor.shape, {}};
  for (const float value : to_floats(tensor)) {
    std::uint16_t bits = 0;
    for (std::uint32_t candidate = 0; candidate < 0x10000; ++candidate) {
      if (from_float16(static_cast<std::uint16_t>(candidate)) != value) continue;
      bits = static_cast<std::uint16_t>(candidate);
      break;
    }
    half.bytes.push_back(static_cast<std::uint8_t>(bits & 0xff));
    half.bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
  }
  return half;
}

// What a family calls a layer's parts.
struct Family {
  std::string part;
  std::string gate;
  std::string up;
  std::string down;
};

const Family kMixtral = {"model.layers.3.block_sparse_moe.", "w1", "w3", "w2"};
const Family kQwen = {"model.layers.3.mlp.", "gate_proj", "up_proj", "down_proj"};

void add_expert(const std::string& name, const Family& family, std::int64_t units,
                std::vector<Tensor>& tensors) {
  tensors.push_back(random_tensor(name + "." + family.gate + ".weight", {units, kHidden}));
  tensors.push_back(random_tensor(name + "." + family.up + ".weight", {units, kHidden}));
  tensors.push_back(random_tensor(name + "." + family.down + ".weight", {kHidden, units}));
}

std::vector<Tensor> shard_of(const Family& family) {
  std::vector<Tensor> tensors = {random_tensor(family.part + "gate.weight", {kExperts, kHidden}),
                                 random_tensor("model.layers.3.input_layernorm.weight", {kHidden})};
  for (int e = 0; e < kExperts; ++e) {
    add_expert(family.part + "experts." + std::to_string(e), family, kUnits, tensors);
  }
  return tensors;
}

// Rows `first` to `first + rows` of the matrix are the tensor's.
void expect_rows(const Matrix<float>& matrix, Index first, Index rows, const std::string& name) {
  const Values values = values_of(name, rows * matrix.cols());
  for (Index i = 0; i < rows * matrix.cols(); ++i) {
    const float value = values[static_cast<std::size_t>(i)];
    EXPECT_EQ(matrix(first + i / matrix.cols(), i % matrix.cols()), value) << name;
  }
}

// The same of the transpose of the tensor, which is [matrix.cols(), rows].
void expect_transpose(const Matrix<float>& matrix, Index first, Index rows,
                      const std::string& name) {
  const Values values = values_of(name, rows * matrix.cols());
  for (Index i = 0; i < rows * matrix.cols(); ++i) {
    const float value = values[static_cast<std::size_t>(i)];
    EXPECT_EQ(matrix(first + i % rows, i / rows), value) << name;
  }
}

void expect_layer(const HfMoeLayer& layer, const Family& family) {
  ASSERT_EQ(layer.router.gate.rows(), kExperts);
  ASSERT_EQ(layer.experts.down.rows(), kExperts * kUnits);
  EXPECT_EQ(layer.expert_sizes, (std::vector<int>{kUnits, kUnits}));
  expect_rows(layer.router.gate, 0, kExperts, family.part + "gate.weight");
  for (int e = 0; e < kExperts; ++e) {
    const std::string name = family.part + "experts." + std::to_string(e) + ".";
    const Index first = e * kUnits;
    expect_rows(layer.experts.gate, first, kUnits, name + family.gate + ".weight");
    expect_rows(layer.experts.up, first, kUnits, name + family.up + ".weight");
    expect_transpose(layer.experts.down, first, kUnits, name + family.down + ".weight");
  }
}

class HfImport : public moesim::testing::ScratchFiles {
 protected:
  Paths shard(const std::vector<Tensor>& tensors) const {
    write_safetensors(folder_ / "model.safetensors", tensors);
    return {folder_ / "model.safetensors"};
  }
  void expect_refused(const std::vector<Tensor>& tensors, const std::string& where,
                      const std::string& what, const std::string& hint) const {
    const Paths paths = shard(tensors);
    expect_complaint([&] { import_hf_layer(paths, 3); }, {where, what, hint});
  }
};

TEST_F(HfImport, MixtralByItsNames) {
  const HfMoeLayer layer = import_hf_layer(shard(shard_of(kMixtral)), 3);
  expect_layer(layer, kMixtral);
  EXPECT_EQ(layer.router.selection_bias.size(), 0);
  EXPECT_EQ(layer.shared.up.size(), 0);
}

TEST_F(HfImport, QwenAndOlmoeByTheirNames) {
  std::vector<Tensor> tensors = shard_of(kQwen);
  expect_layer(import_hf_layer(shard(tensors), 3), kQwen);
  EXPECT_FALSE(import_hf_layer(shard(tensors), 3).has_gated_shared_expert);
  add_expert("model.layers.3.mlp.shared_expert", kQwen, 5, tensors);
  EXPECT_TRUE(import_hf_layer(shard(tensors), 3).has_gated_shared_expert);
}

TEST_F(HfImport, DeepSeeksBiasAndSharedExperts) {
  std::vector<Tensor> tensors = shard_of(kQwen);
  const std::string bias = kQwen.part + "gate.e_score_correction_bias";
  const std::string shared = kQwen.part + "shared_experts";
  tensors.push_back(random_tensor(bias, {kExperts}));
  add_expert(shared, kQwen, 6, tensors);
  const HfMoeLayer layer = import_hf_layer(shard(tensors), 3);
  expect_layer(layer, kQwen);
  expect_rows(layer.router.selection_bias, 0, 1, bias);
  expect_rows(layer.shared.gate, 0, 6, shared + ".gate_proj.weight");
  expect_rows(layer.shared.up, 0, 6, shared + ".up_proj.weight");
  expect_transpose(layer.shared.down, 0, 6, shared + ".down_proj.weight");
}

TEST_F(HfImport, HalfPrecisionIsReadExactly) {
  std::vector<Tensor> brain;
  std::vector<Tensor> half;
  for (const Tensor& tensor : shard_of(kMixtral)) {
    brain.push_back(as_bfloat16(tensor));
    half.push_back(as_float16(tensor));
  }
  expect_layer(import_hf_layer(shard(brain), 3), kMixtral);
  expect_layer(import_hf_layer(shard(half), 3), kMixtral);
}

TEST_F(HfImport, ALayerMayLieInTwoShards) {
  const std::vector<Tensor> tensors = shard_of(kMixtral);
  const std::span<const Tensor> all = tensors;
  write_safetensors(folder_ / "1.safetensors", all.first(4));
  write_safetensors(folder_ / "2.safetensors", all.subspan(4));
  const Paths both = {folder_ / "1.safetensors", folder_ / "2.safetensors"};
  expect_layer(import_hf_layer(both, 3), kMixtral);
  const Paths first = {folder_ / "1.safetensors"};
  expect_complaint([&] { import_hf_layer(first, 3); },
                   {"experts.1.w3.weight\"", "it is missing", "model.safetensors.index.json"});
}

TEST_F(HfImport, ADenseOrForeignLayerIsAnError) {
  expect_refused({random_tensor("model.layers.3.mlp.gate_proj.weight", {3, 4})},
                 "model.safetensors", "no gate of a MoE layer below \"model.layers.3.\"", "dense");
}

TEST_F(HfImport, AnExpertTooManyIsAnError) {
  std::vector<Tensor> tensors = shard_of(kMixtral);
  add_expert(kMixtral.part + "experts.2", kMixtral, kUnits, tensors);
  expect_refused(tensors, "experts.2.w3.weight\"", "rows for 2 experts only", "one model");
}

// Each expert's width is checked before the stack is allocated: here it would be 4 TB.
TEST_F(HfImport, SizesThatDoNotFitAreErrors) {
  std::vector<Tensor> tensors = shard_of(kMixtral);
  tensors[0] = random_tensor(tensors[0].name, {kExperts, 1'000});
  tensors[3] = random_tensor(tensors[3].name, {1'000, 1});
  expect_refused(tensors, "experts.0.w3.weight\"", "rows have 1 numbers, and the gate's have 1000",
                 "one model");
  tensors = shard_of(kMixtral);
  tensors[4] = random_tensor(tensors[4].name, {kUnits, kHidden});
  expect_refused(tensors, "experts.0.w2.weight\"", "[3, 4], and [4, 3] is expected", "");
  tensors = shard_of(kMixtral);
  tensors[0] = random_tensor(tensors[0].name, {kExperts * kHidden});
  expect_refused(tensors, "gate.weight\"", "its shape is [8], and a matrix is expected", "layout");
}

TEST_F(HfImport, EightBitWeightsAreAnError) {
  std::vector<Tensor> tensors = shard_of(kMixtral);
  tensors[2].dtype = Dtype::f8_e4m3;
  tensors[2].bytes.resize(kUnits * kHidden);
  expect_refused(tensors, "experts.0.w1.weight\"", "its numbers are F8_E4M3", "convert");
}

}  // namespace
}  // namespace moesim::model
