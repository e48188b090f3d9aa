// SPDX-License-Identifier: Apache-2.0
// Every form and epilogue through a device's seam, in its memory: small integers, whose sums are
// exact, against sums in double.
#include "model/cuda/gemm/grouped_multiplier.h"

#include <gtest/gtest.h>

#include "tests/support/expert_products.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::ExpertProducts;
using moesim::testing::on_each_device;
using moesim::testing::Values;

// A runner of expert_products.h. The host knows the counts of rows, or it does not.
class SeamRunner {
 public:
  using Element = Bf16;

  SeamRunner(Device& device, bool host_knows) : device_(device), host_knows_(host_knows) {}

  template <class T>
  T* give(const std::vector<T>& values) {
    T* const memory = allocate<T>(values.size());
    device_.upload(values.data(), memory, values.size() * sizeof(T));
    return memory;
  }
  template <class T>
  T* poisoned(std::size_t count) {
    T* const memory = allocate<T>(count);
    device_.fill(memory, 0xff, count * sizeof(T));
    return memory;
  }
  template <class T>
  std::vector<T> fetch(const T* memory, std::size_t count) const {
    std::vector<T> values(count);
    device_.download(memory, values.data(), count * sizeof(T));
    return values;
  }
  template <Form form, class Epilogue>
  void run(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue) {
    HostFirstRow first_row;
    if (host_knows_) {
      first_row = fetch(problem.first_row, static_cast<std::size_t>(problem.experts) + 1);
    }
    if constexpr (form == Form::into_units) {
      device_.grouped().into_units(problem, epilogue, first_row);
    } else if constexpr (form == Form::into_rows) {
      device_.grouped().into_rows(problem, epilogue, first_row);
    } else {
      device_.grouped().into_weights(problem, epilogue, first_row);
    }
  }

 private:
  template <class T>
  T* allocate(std::size_t count) {
    memory_.emplace_back(device_, count * sizeof(T));
    return reinterpret_cast<T*>(memory_.back().data());
  }

  Device& device_;
  bool host_knows_;
  std::vector<Buffer<unsigned char>> memory_;
};

TEST(DeviceMultiplier, ComputesEveryFormOfAnExpertLayer) {
  on_each_device([](Device& device) {
    for (const bool host_knows : {false, true}) {
      SeamRunner runner(device, host_knows);
      ExpertProducts<SeamRunner> products(runner, {{70, 0, 1}, 40, 72, Values::integers});
      products.expect_forward<1>(Activation::relu, true);
      products.expect_forward<2>(Activation::relu, false);
      products.expect_backward(Activation::relu, true);
      products.expect_rows(2, false);
      products.expect_weights(testing::Into::floats_on_top);
    }
  });
}

}  // namespace
}  // namespace moesim::model::cuda
