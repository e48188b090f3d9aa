// SPDX-License-Identifier: Apache-2.0
// Runs grouped products on the machine's GPU (expert_products.h, "runner"). Each product runs
// twice, with few blocks and with as many as the device takes, from the same memory; the bytes it
// leaves have to be the same.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/gemm/grouped_launch.h"

namespace moesim::testing {

template <class Launcher>
class DeviceRunner {
 public:
  using Element = typename Launcher::Element;
  template <class T>
  using Problem = model::cuda::GroupedProblem<T>;

  DeviceRunner() {
    model::cuda::require(
        cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, 0),
        "the number of multiprocessors");
  }
  DeviceRunner(const DeviceRunner&) = delete;
  DeviceRunner& operator=(const DeviceRunner&) = delete;
  ~DeviceRunner() {
    for (const Block& block : blocks_) cudaFree(block.memory);
  }

  template <class T>
  T* give(const std::vector<T>& values) {
    T* const memory = allocate<T>(values.size());
    const std::size_t bytes = values.size() * sizeof(T);
    model::cuda::require(cudaMemcpy(memory, values.data(), bytes, cudaMemcpyDefault), "a copy up");
    return memory;
  }
  template <class T>
  T* poisoned(std::size_t count) {
    T* const memory = allocate<T>(count);
    model::cuda::require(cudaMemset(memory, 0xff, count * sizeof(T)), "a filling");
    return memory;
  }
  template <class T>
  std::vector<T> fetch(const T* memory, std::size_t count) const {
    std::vector<T> values(count);
    const std::size_t bytes = count * sizeof(T);
    model::cuda::require(cudaMemcpy(values.data(), memory, bytes, cudaMemcpyDefault),
                         "a copy down");
    return values;
  }
  template <model::cuda::Form form, class Epilogue>
  void run(const Problem<Element>& problem, const Epilogue& epilogue) {
    const std::vector<std::vector<char>> before = contents();
    Launcher::template launch<form>(problem, epilogue, {nullptr, std::min(multiprocessors_, 3)});
    model::cuda::require(cudaDeviceSynchronize(), "the product");
    const std::vector<std::vector<char>> once = contents();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      model::cuda::require(
          cudaMemcpy(blocks_[i].memory, before[i].data(), before[i].size(), cudaMemcpyDefault),
          "a copy up");
    }
    Launcher::template launch<form>(problem, epilogue, {nullptr, multiprocessors_});
    model::cuda::require(cudaDeviceSynchronize(), "the product");
    EXPECT_TRUE(contents() == once) << "two runs differ";
  }

 private:
  struct Block {
    char* memory;
    std::size_t bytes;
  };

  template <class T>
  T* allocate(std::size_t count) {
    const std::size_t bytes = std::max<std::size_t>(count * sizeof(T), 16);
    void* memory = nullptr;
    model::cuda::require(cudaMalloc(&memory, bytes), "memory");
    model::cuda::require(cudaMemset(memory, 0, bytes), "a filling");
    blocks_.push_back({static_cast<char*>(memory), bytes});
    return static_cast<T*>(memory);
  }
  std::vector<std::vector<char>> contents() const {
    std::vector<std::vector<char>> result;
    for (const Block& block : blocks_) result.push_back(fetch(block.memory, block.bytes));
    return result;
  }

  std::vector<Block> blocks_;
  int multiprocessors_ = 0;
};

}  // namespace moesim::testing
