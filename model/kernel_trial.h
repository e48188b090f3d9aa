// SPDX-License-Identifier: Apache-2.0
// One kernel of the MoE-GPT, set up to be run again and again by whoever times it: the door to
// model::Backend for programs that do not see Eigen.
#pragma once

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
};

class KernelTrial {
 public:
  virtual ~KernelTrial() = default;
  virtual void run() = 0;
  // The part of run() that belongs to another kernel: attention's two projections.
  virtual void run_part() {}
};

// What kernels run on: the backend and its threads, with random operands in fp32.
class TrialMachine {
 public:
  // Throws base::Error where the processor lacks the instructions that this was compiled for.
  explicit TrialMachine(int threads);
  ~TrialMachine();

  std::string backend() const;  // "cpu"
  int workers() const;
  double element_bytes() const { return 4; }

  // The trial must not outlive the machine.
  std::unique_ptr<KernelTrial> prepare(const TrialShape& shape) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::model
