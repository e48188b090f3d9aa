// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/cuda_backend.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

// Elements from an operand's first to its last.
std::size_t extent(const Operand<float>& operand, Index rows, Index columns) {
  if (rows == 0 || columns == 0) return 0;
  CHECK(operand.row_stride >= 0 && operand.col_stride >= 0, "an operand lies behind its first");
  return static_cast<std::size_t>((rows - 1) * operand.row_stride +
                                  (columns - 1) * operand.col_stride + 1);
}

// Where the operands of many products lie in one array, and their results in another.
class Staging {
 public:
  explicit Staging(std::span<const Product<float>> products) : products_(products) {
    for (const Product<float>& p : products) {
      Place place;
      place.a = put(p.a.data, extent(p.a, p.m, p.k));
      place.b = put(p.b.data, extent(p.b, p.k, p.n));
      place.bias = put(p.bias, p.bias == nullptr ? 0 : static_cast<std::size_t>(p.n));
      place.c = put_result(p);
      places_.push_back(place);
    }
  }

  const std::vector<float>& operands() const { return operands_; }
  std::vector<float>& results() { return results_; }

  // The products on the device, where the arrays begin at `operands` and `results`.
  std::vector<DeviceProduct> on_device(const float* operands, float* results) const {
    std::vector<DeviceProduct> moved;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const Product<float>& p = products_[i];
      const Place& place = places_[i];
      moved.push_back({p.m, p.n, p.k, operands + place.a, p.a.row_stride, p.a.col_stride,
                       operands + place.b, p.b.row_stride, p.b.col_stride, results + place.c, p.n,
                       p.bias == nullptr ? nullptr : operands + place.bias, p.accumulate});
    }
    return moved;
  }

  void write_back() const {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const Product<float>& p = products_[i];
      const float* from = results_.data() + places_[i].c;
      for (Index row = 0; row < p.m; ++row, from += p.n) {
        std::copy_n(from, p.n, p.c + row * p.c_stride);
      }
    }
  }

 private:
  struct Place {
    std::size_t a = 0;
    std::size_t b = 0;
    std::size_t bias = 0;
    std::size_t c = 0;
  };

  std::size_t put(const float* values, std::size_t size) {
    const std::size_t place = operands_.size();
    operands_.insert(operands_.end(), values, values + size);
    return place;
  }

  // Row after row, without gaps.
  std::size_t put_result(const Product<float>& p) {
    const std::size_t place = results_.size();
    results_.resize(place + static_cast<std::size_t>(p.m * p.n));
    for (Index row = 0; p.accumulate && row < p.m; ++row) {
      std::copy_n(p.c + row * p.c_stride, p.n,
                  results_.data() + place + static_cast<std::size_t>(row * p.n));
    }
    return place;
  }

  std::span<const Product<float>> products_;
  std::vector<Place> places_;
  std::vector<float> operands_;
  std::vector<float> results_;
};

class CudaBackend final : public Backend<float> {
 public:
  explicit CudaBackend(Device& device) : device_(device) {}

  void multiply(const Product<float>& product) const override {
    grouped_multiply(std::span(&product, 1));
  }

  void grouped_multiply(std::span<const Product<float>> products) const override {
    const std::lock_guard lock(mutex_);
    Staging staging(products);
    if (staging.results().empty()) return;
    const float* const operands = room_.operands.upload(device_, staging.operands());
    float* const results = room_.results.upload(device_, staging.results());
    const std::vector<DeviceProduct> moved = staging.on_device(operands, results);
    std::vector<std::int64_t> first_tile = {0};
    for (const DeviceProduct& product : moved) {
      first_tile.push_back(first_tile.back() + tiles_of(product));
    }
    launch(
        device_,
        MultiplyMany{room_.products.upload(device_, moved),
                     room_.first_tile.upload(device_, first_tile), static_cast<int>(moved.size())},
        first_tile.back(), kMultiplyShared);
    room_.results.download(staging.results().data());
    staging.write_back();
  }

  void select(const Selection<float>& s, std::int32_t* experts) const override {
    const std::lock_guard lock(mutex_);
    const auto tokens = static_cast<std::size_t>(s.tokens);
    const SelectExperts kernel{
        room_.operands.upload(device_, s.scores, tokens * static_cast<std::size_t>(s.num_experts)),
        room_.indices.reserve(device_, tokens * static_cast<std::size_t>(s.top_k)),
        s.tokens,
        {s.num_experts, s.top_k, s.n_group, s.topk_group, s.group_best}};
    launch(device_, kernel, blocks_for_tokens(s.tokens), room_for_groups(kernel.rule));
    room_.indices.download(experts);
  }

  void permute(const RowMove<float>& rows, std::span<const std::int32_t> source,
               const float* weights) const override {
    const std::lock_guard lock(mutex_);
    const std::size_t size = source.size() * static_cast<std::size_t>(rows.width);
    PermuteRows kernel;
    kernel.from = upload_rows(rows, source);
    kernel.to = room_.results.reserve(device_, size);
    kernel.source = room_.indices.upload(device_, source.data(), source.size());
    if (weights != nullptr) {
      kernel.weights = room_.weights.upload(device_, weights, source.size());
    }
    kernel.width = rows.width;
    launch(device_, kernel, static_cast<std::int64_t>(source.size()));
    room_.results.download(rows.to);
  }

  void combine(const RowMove<float>& rows, std::span<const std::int32_t> place, int slots,
               const float* weights, bool accumulate) const override {
    const std::lock_guard lock(mutex_);
    const std::size_t tokens = place.size() / static_cast<std::size_t>(slots);
    const std::size_t size = tokens * static_cast<std::size_t>(rows.width);
    CombineRows kernel;
    kernel.from = upload_rows(rows, place);
    kernel.to = accumulate ? room_.results.upload(device_, rows.to, size)
                           : room_.results.reserve(device_, size);
    kernel.place = room_.indices.upload(device_, place.data(), place.size());
    if (weights != nullptr) {
      kernel.weights = room_.weights.upload(device_, weights, place.size());
    }
    kernel.width = rows.width;
    kernel.slots = slots;
    kernel.accumulate = accumulate;
    launch(device_, kernel, static_cast<std::int64_t>(tokens));
    room_.results.download(rows.to);
  }

 private:
  // Kept from call to call.
  struct Room {
    Buffer<float> operands;
    Buffer<float> results;
    Buffer<float> weights;
    Buffer<std::int32_t> indices;
    Buffer<DeviceProduct> products;
    Buffer<std::int64_t> first_tile;
  };

  // As many rows as the indices name.
  const float* upload_rows(const RowMove<float>& rows,
                           std::span<const std::int32_t> indices) const {
    std::int64_t count = 0;
    for (const std::int32_t index : indices) count = std::max(count, std::int64_t{index} + 1);
    return room_.operands.upload(device_, rows.from, static_cast<std::size_t>(count * rows.width));
  }

  Device& device_;
  mutable std::mutex mutex_;
  mutable Room room_;
};

}  // namespace

std::unique_ptr<Backend<float>> make_cuda_backend(Device& device) {
  if (device.products() == ProductMode::bf16) {
    throw base::Error("--backend", "\"cuda:bf16\" trains models, and computes no single operations",
                      "use --backend cuda");
  }
  return std::make_unique<CudaBackend>(device);
}

}  // namespace moesim::model::cuda
