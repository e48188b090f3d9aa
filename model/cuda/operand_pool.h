// SPDX-License-Identifier: Apache-2.0
// Random numbers in a device's memory that kernels take as operands while they are timed, and room
// for their results: each time in another place, so that they find none of them in a cache, as in a
// model's pass where other layers ran in between.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"

namespace moesim::model::cuda {

// Memory of which every caller gets another place, one behind the other and from the front again.
class MemoryRing {
 public:
  // Allocates so many bytes, rounded up to whole blocks of 256, of undefined content.
  MemoryRing(Device& device, std::int64_t bytes);

  std::int64_t bytes() const { return bytes_; }
  // Where so many elements lie, aligned to 256 bytes, behind those of the call before or from the
  // front again. They must fit.
  template <class T>
  T* next(std::int64_t elements) {
    return static_cast<T*>(next_bytes(elements * static_cast<std::int64_t>(sizeof(T))));
  }

 private:
  void* next_bytes(std::int64_t bytes);

  Buffer<unsigned char> memory_;
  std::int64_t bytes_;
  std::int64_t first_free_ = 0;
};

class OperandPool {
 public:
  // Allocates and fills so many bytes, rounded up to whole blocks of 256. Every 16 bits are a bf16
  // between -1/2 and 1/2, and so are every 32 as a float.
  OperandPool(Device& device, std::int64_t bytes);

  std::int64_t bytes() const { return ring_.bytes(); }
  // As MemoryRing's.
  template <class T>
  const T* next(std::int64_t elements) {
    return ring_.next<T>(elements);
  }

 private:
  MemoryRing ring_;
};

}  // namespace moesim::model::cuda
