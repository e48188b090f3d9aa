// SPDX-License-Identifier: Apache-2.0
// The seam between what the CUDA backend computes and where: an accelerator with memory of its own
// that runs kernels, one after another in the order of the calls. A CUDA device implements it in
// the shared object that open_device.h loads; in tests threads that the processor emulates do. Both
// run the kernels of kernel_list.h from the same source. C++17, read by nvcc and g++.
//
// A kernel is a struct with its arguments as members and
//   static constexpr int kThreads;                // of a block, a multiple of 32
//   template <class Thread> MOESIM_KERNEL_CODE void run(const Thread& thread) const;
// which every thread of every block calls. A Thread has
//   block(), blocks(), index(), threads()  // which one of how many; index counts in the block
//   sync()                                 // waits for the block's threads
//   sync_warp()                            // for those of the warp
//   shuffle_down(value, delta, width)      // the value of the lane `delta` further on, within each
//                                          // `width` lanes; past them undefined
//   shuffle(value, lane)                   // the value of a lane of the warp
//   ballot(flag)                           // bit i: lane i's flag
//   match(value)                           // bit i: lane i has the same int
//   shared()                               // the launch's shared bytes, of undefined content
// All threads of a warp, or of the block, take part in each; none has returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/cuda/device_code.h"
#include "model/cuda/device_product.h"

namespace moesim::model::cuda {

class GroupedMultiplier;  // gemm/grouped_multiplier.h

struct Launch {
  int kernel = 0;                   // its place in KernelList
  const void* arguments = nullptr;  // the kernel's struct
  int blocks = 0;                   // at least 1
  std::size_t shared_bytes = 0;     // at most 48 KiB
};

// What whoever measures a device sizes work by and writes down.
struct DeviceFacts {
  std::string versions;  // "CUDA driver 13.0, runtime 13.0"
  int multiprocessors = 1;
  std::int64_t memory_bytes = 0;  // free
  std::int64_t cache_bytes = 0;   // of the last level
};

class Device {
 public:
  virtual ~Device() = default;

  // For provenance: "NVIDIA H200", "emulated".
  virtual std::string name() const = 0;
  virtual DeviceFacts facts() const = 0;
  // Of undefined content, aligned to 256 bytes. Throws std::bad_alloc.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void upload(const void* from, void* to, std::size_t bytes) = 0;
  // Waits for all before it.
  virtual void download(const void* from, void* to, std::size_t bytes) = 0;
  virtual void copy(const void* from, void* to, std::size_t bytes) = 0;
  virtual void fill(void* to, unsigned char byte, std::size_t bytes) = 0;
  virtual void launch(const Launch& launch) = 0;
  // Who computes single products from now on.
  virtual void use_products(ProductMode mode) = 0;
  virtual ProductMode products() const = 0;
  // c = a b, or c += a b, of a product without a bias that library_product() finds possible, by the
  // library that products() names; of floats with bf16 named, in fp32.
  virtual void multiply_by_library(const DeviceProduct& product) = 0;
  virtual void multiply_by_library(const RoundedProduct& product) = 0;
  // Who computes the experts' products in bf16, whatever products() says.
  virtual GroupedMultiplier& grouped() = 0;
  virtual void synchronise() = 0;
};

// Memory of a device that grows and is never shrunk, of `size` elements.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& device, std::size_t size) { reserve(device, size); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept
      : device_(other.device_), data_(other.data_), size_(other.size_), room_(other.room_) {
    other.data_ = nullptr;
    other.size_ = other.room_ = 0;
  }
  ~Buffer() { clear(); }

  // Loses what the buffer held where it has to grow.
  T* reserve(Device& device, std::size_t size) {
    if (size > room_) {
      clear();
      device_ = &device;
      data_ = static_cast<T*>(device.allocate(size * sizeof(T)));
      room_ = size;
    }
    size_ = size;
    return data_;
  }
  T* upload(Device& device, const T* values, std::size_t size) {
    reserve(device, size);
    if (size > 0) device.upload(values, data_, size * sizeof(T));
    return data_;
  }
  T* upload(Device& device, const std::vector<T>& values) {
    return upload(device, values.data(), values.size());
  }
  void download(T* values) const {
    if (size_ > 0) device_->download(data_, values, size_ * sizeof(T));
  }
  std::vector<T> download() const {
    std::vector<T> values(size_);
    download(values.data());
    return values;
  }
  void fill_zero() {
    if (size_ > 0) device_->fill(data_, 0, size_ * sizeof(T));
  }

  T* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void clear() {
    if (data_ != nullptr) device_->release(data_);
    data_ = nullptr;
    size_ = room_ = 0;
  }

  Device* device_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

constexpr std::int64_t ceil_divide(std::int64_t count, std::int64_t parts) {
  return (count + parts - 1) / parts;
}

}  // namespace moesim::model::cuda
