// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/hf_import.h"

#include <array>
#include <deque>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "model/checkpoint/tensor_reader.h"
#include "model/checkpoint/weights_file.h"

namespace moesim::model {
namespace {

// What a family of models calls its parts, below "model.layers.N.".
struct Layout {
  const char* part;
  const char* gate;
  const char* up;
  const char* down;
};

constexpr std::array<Layout, 2> kLayouts = {{
    {"block_sparse_moe.", ".w1.weight", ".w3.weight", ".w2.weight"},
    {"mlp.", ".gate_proj.weight", ".up_proj.weight", ".down_proj.weight"},
}};

class LayerImport {
 public:
  LayerImport(std::span<const std::filesystem::path> shards, int layer)
      : prefix_("model.layers." + std::to_string(layer) + ".") {
    for (const std::filesystem::path& path : shards) {
      names_ += (names_.empty() ? "" : ", ") + path.string();
      shards_.emplace_back(path);
    }
    find_layout();
  }

  HfMoeLayer read() {
    HfMoeLayer layer;
    layer.router.gate = read_gate();
    const Index experts = layer.router.gate.rows();
    hidden_ = layer.router.gate.cols();
    const std::string bias = prefix_ + "gate.e_score_correction_bias";
    if (TensorReader* shard = find(bias)) {
      const std::vector<float> values = shard->take_floats(bias, {experts});
      layer.router.selection_bias = Eigen::Map<const Matrix<float>>(values.data(), 1, experts);
    }
    read_experts(experts, layer);
    const std::string shared = prefix_ + "shared_experts";
    if (find(shared + layout_->up) != nullptr) {
      resize(units_of(shared), layer.shared);
      read_expert(shared, 0, layer.shared);
    }
    layer.has_gated_shared_expert = find(prefix_ + "shared_expert" + layout_->up) != nullptr;
    return layer;
  }

 private:
  void find_layout() {
    for (const Layout& layout : kLayouts) {
      if (find(prefix_ + layout.part + "gate.weight") == nullptr) continue;
      layout_ = &layout;
      prefix_ += layout.part;
      return;
    }
    throw base::Error(names_, "there is no gate of a MoE layer below \"" + prefix_ + "\"",
                      "name the shard that holds the layer (model.safetensors.index.json says "
                      "which), and a layer that is not dense");
  }

  TensorReader* find(const std::string& name) {
    for (TensorReader& shard : shards_) {
      if (shard.has(name)) return &shard;
    }
    return nullptr;
  }

  TensorReader& holder_of(const std::string& name) {
    if (TensorReader* shard = find(name)) return *shard;
    throw base::Error(names_ + "  tensor \"" + name + "\"", "it is missing",
                      "name all shards that hold the layer (model.safetensors.index.json says "
                      "which)");
  }

  // A matrix, whose sizes the caller checks where they are not its to choose.
  TensorShape matrix_shape(const std::string& name) {
    TensorReader& shard = holder_of(name);
    const TensorShape& shape = shard.shape_of(name);
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
      shard.fail(name, "its shape is " + shape_text(shape) + ", and a matrix is expected",
                 "name a shard of a model of this layout");
    }
    return shape;
  }

  Matrix<float> read_gate() {
    const std::string name = prefix_ + "gate.weight";
    const TensorShape shape = matrix_shape(name);
    return take_matrix(holder_of(name), name, shape[0], shape[1]);
  }

  std::string expert_name(Index expert) const {
    return prefix_ + "experts." + std::to_string(expert);
  }

  // Looks at the width too: what is then allocated is no larger than the file.
  Index units_of(const std::string& expert) {
    const std::string name = expert + layout_->up;
    const TensorShape shape = matrix_shape(name);
    if (shape[1] != hidden_) {
      holder_of(name).fail(name,
                           "its rows have " + std::to_string(shape[1]) +
                               " numbers, and the gate's have " + std::to_string(hidden_),
                           "name shards of one model");
    }
    return shape[0];
  }

  void resize(Index units, ExpertWeights<float>& weights) const {
    weights.gate.resize(units, hidden_);
    weights.up.resize(units, hidden_);
    weights.down.resize(units, hidden_);
  }

  void read_experts(Index experts, HfMoeLayer& layer) {
    Index units = 0;
    for (Index e = 0; e < experts; ++e) {
      layer.expert_sizes.push_back(static_cast<int>(units_of(expert_name(e))));
      units += layer.expert_sizes.back();
    }
    const std::string surplus = expert_name(experts) + layout_->up;
    if (TensorReader* shard = find(surplus)) {
      shard->fail(surplus, "the gate has rows for " + std::to_string(experts) + " experts only",
                  "name shards of one model");
    }
    resize(units, layer.experts);
    Index first = 0;
    for (Index e = 0; e < experts; ++e) {
      read_expert(expert_name(e), first, layer.experts);
      first += layer.expert_sizes[static_cast<std::size_t>(e)];
    }
  }

  // Into the stack's rows from `first` on.
  void read_expert(const std::string& expert, Index first, ExpertWeights<float>& stack) {
    const Index units = units_of(expert);
    stack.gate.middleRows(first, units) = take(expert + layout_->gate, units, hidden_);
    stack.up.middleRows(first, units) = take(expert + layout_->up, units, hidden_);
    stack.down.middleRows(first, units) = take(expert + layout_->down, hidden_, units).transpose();
  }

  Matrix<float> take(const std::string& name, Index rows, Index cols) {
    return take_matrix(holder_of(name), name, rows, cols);
  }

  std::deque<TensorReader> shards_;
  std::string names_;   // of the shards, for complaints
  std::string prefix_;  // of the layer's tensors
  const Layout* layout_ = nullptr;
  Index hidden_ = 0;
};

}  // namespace

HfMoeLayer import_hf_layer(std::span<const std::filesystem::path> shards, int layer) {
  CHECK(!shards.empty() && layer >= 0, "there is a layer to look for, and where");
  return LayerImport(shards, layer).read();
}

}  // namespace moesim::model
