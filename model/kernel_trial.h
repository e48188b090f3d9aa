// SPDX-License-Identifier: Apache-2.0
// One kernel of the MoE-GPT, set up to be run again and again by whoever times it: the door to
// model::Backend and the devices' kernels for programs that do not see Eigen. The processor
// (cpu/trial_processor.h) and a device (cuda/trial_device.h) implement it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moesim::model {

enum class TrialKernel { gemm, grouped_gemm, permute, combine, attention };

struct TrialShape {
  TrialKernel kernel = TrialKernel::gemm;
  std::vector<int> rows;  // of each expert; gemm and attention: of the one matrix
  int width = 0;          // of a row: the depth of a product, or all heads together
  int columns = 0;        // of a product; attention: tokens of a sequence
  int tokens = 0;         // permute, combine: that the rows come from or go to
  int heads = 1;          // attention; they divide `width`

  std::int64_t total_rows() const;
  // permute, combine: rows of a token, as many of each. Throws InvariantViolation where they
  // differ.
  int slots() const;
};

// Rows [i * step mod count]: every one once, neighbours far apart.
std::vector<std::int32_t> spread_places(std::int64_t count);

class KernelTrial {
 public:
  virtual ~KernelTrial() = default;
  // Runs the kernel, or queues it where the machine does.
  virtual void run() = 0;
  // The part of run() that belongs to another kernel: the processor's attention has its two
  // projections in it.
  virtual bool has_part() const { return false; }
  virtual void run_part() {}
  // What the last run computed, where the machine brings it down, which waits for it; else empty.
  virtual std::vector<float> result() const { return {}; }
};

// What kernels run on, with random operands. Trials must not outlive it.
class TrialMachine {
 public:
  virtual ~TrialMachine() = default;

  // What the machine calls the processor or device, and no more: "NVIDIA H200".
  virtual std::string name() const = 0;
  // What was measured, for whoever reads the figures: "AMD EPYC 9654, 2 threads, backend cpu".
  virtual std::string description() const = 0;
  // That share a kernel's tiles: threads, multiprocessors.
  virtual int workers() const = 0;
  // Of what the kernel reads and writes.
  virtual double element_bytes(TrialKernel kernel) const = 0;

  // Whether operands and results fit its memory, and the kernel takes the shape.
  virtual bool fits(const TrialShape& shape) const = 0;
  virtual std::unique_ptr<KernelTrial> prepare(const TrialShape& shape) = 0;
  // Until all runs so far have ended.
  virtual void wait() = 0;
  // Runs between two waits should last so long together that what a wait itself takes does not
  // count; 0 where runs are not queued.
  virtual double batch_seconds() const = 0;
};

}  // namespace moesim::model
