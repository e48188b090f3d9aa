// SPDX-License-Identifier: Apache-2.0
// The memory of a runner of expert_products.h on the processor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

namespace moesim::testing {

class HostMemory {
 public:
  template <class T>
  T* give(const std::vector<T>& values) {
    T* const memory = allocate<T>(values.size());
    std::copy(values.begin(), values.end(), memory);
    return memory;
  }
  template <class T>
  T* poisoned(std::size_t count) {
    T* const memory = allocate<T>(count);
    std::memset(static_cast<void*>(memory), 0xff, count * sizeof(T));
    return memory;
  }
  template <class T>
  std::vector<T> fetch(const T* memory, std::size_t count) const {
    return std::vector<T>(memory, memory + count);
  }

 private:
  template <class T>
  T* allocate(std::size_t count) {
    memory_.push_back(std::shared_ptr<void>(new char[count * sizeof(T) + 16], [](void* memory) {
      delete[] static_cast<char*>(memory);
    }));
    return static_cast<T*>(memory_.back().get());
  }

  std::vector<std::shared_ptr<void>> memory_;
};

}  // namespace moesim::testing
