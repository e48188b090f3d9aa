// SPDX-License-Identifier: Apache-2.0
// The CUDA backend's device on the processor, for tests: the kernels' own source, run by emulated
// threads. Memory is separate allocations that begin as NaNs. Never what a program computes on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "model/cuda/device.h"
#include "tests/support/emulated_block.h"
#include "tests/support/emulated_multiplier.h"

namespace moesim::testing {

class EmulatedDevice final : public model::cuda::Device {
 public:
  explicit EmulatedDevice(ThreadOrder order = ThreadOrder::forward)
      : order_(order), block_(order) {}
  ~EmulatedDevice() override;

  std::string name() const override { return "emulated"; }
  // Small, so that little is enough to go beyond its cache.
  model::cuda::DeviceFacts facts() const override {
    return {"no versions", 2, std::int64_t{32} << 20, std::int64_t{64} << 10};
  }
  void* allocate(std::size_t bytes) override;
  void release(void* memory) override;
  void upload(const void* from, void* to, std::size_t bytes) override;
  void download(const void* from, void* to, std::size_t bytes) override;
  void copy(const void* from, void* to, std::size_t bytes) override;
  void fill(void* to, unsigned char byte, std::size_t bytes) override;
  void launch(const model::cuda::Launch& launch) override;
  void use_products(model::cuda::ProductMode mode) override { products_ = mode; }
  model::cuda::ProductMode products() const override { return products_; }
  // As a BLAS library does: column by column, and sums from the end.
  void multiply_by_library(const model::cuda::DeviceProduct& product) override;
  void multiply_by_library(const model::cuda::RoundedProduct& product) override;
  model::cuda::GroupedMultiplier& grouped() override { return grouped_; }
  void synchronise() override {}

  // Launches so far.
  std::int64_t launches() const { return launches_; }

 private:
  template <class Kernel>
  void run(const model::cuda::Launch& launch);
  template <class... Kernels>
  friend struct LaunchTable;

  ThreadOrder order_;
  EmulatedBlock block_;
  std::map<void*, std::unique_ptr<std::byte[]>> memory_;
  model::cuda::ProductMode products_ = model::cuda::ProductMode::in_order;
  std::int64_t launches_ = 0;
  EmulatedMultiplier grouped_;
};

}  // namespace moesim::testing
