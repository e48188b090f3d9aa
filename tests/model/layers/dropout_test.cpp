// SPDX-License-Identifier: Apache-2.0
#include "model/layers/dropout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/check.h"
#include "model/cpu/cpu_backend.h"

namespace moesim::model {
namespace {

class Dropout : public testing::Test {
 protected:
  base::ThreadPool threads_{2};
  std::unique_ptr<Backend<float>> backend_ = make_cpu_backend<float>(threads_);
  Pass<float> pass_{*backend_, threads_, true, 1};

  Matrix<float> ones_after_dropout(const char* name, double rate) const {
    Matrix<float> ones = Matrix<float>::Ones(200, 100);
    apply_dropout(pass_, name, rate, ones);
    return ones;
  }
};

// Of 20000 elements a share of `rate` is dropped, to 5 standard deviations of a binomial; the
// others are all 1 / (1 - rate).
TEST_F(Dropout, DropsItsShareAndScalesTheRest) {
  for (const double rate : {0.1, 0.5, 0.9}) {
    const Matrix<float> x = ones_after_dropout("x", rate);
    const auto kept = static_cast<float>(1 / (1 - rate));
    const auto dropped = static_cast<double>((x.array() == 0).count());
    EXPECT_NEAR(dropped / 20000, rate, 5 * std::sqrt(rate * (1 - rate) / 20000));
    EXPECT_EQ(((x.array() == 0) || (x.array() == kept)).count(), 20000);
  }
}

TEST_F(Dropout, DoesNothingAtRateZeroAndWithoutTraining) {
  EXPECT_EQ(ones_after_dropout("x", 0), Matrix<float>::Ones(200, 100));
  pass_.training = false;
  EXPECT_EQ(ones_after_dropout("x", 0.5), Matrix<float>::Ones(200, 100));
}

TEST_F(Dropout, DrawsAgainWhatItDrew) {
  const Matrix<float> first = ones_after_dropout("x", 0.5);
  EXPECT_EQ(ones_after_dropout("x", 0.5), first);
  EXPECT_NE(ones_after_dropout("y", 0.5), first);
  pass_.seed = 2;
  EXPECT_NE(ones_after_dropout("x", 0.5), first);
}

// Parts of the matrix, beginning and ending at even and odd elements, are as the whole.
TEST_F(Dropout, CountsElementsAcrossTheMatrix) {
  const Matrix<float> whole = ones_after_dropout("x", 0.5);
  for (Index first = 30; first < 34; ++first) {
    for (Index count = 0; count < 20; ++count) {
      std::vector<float> part(count, 1.0F);
      DropoutFactors<float>(pass_, "x", 0.5).apply(first, part.data(), count);
      for (Index i = 0; i < count; ++i) EXPECT_EQ(part[i], whole.data()[first + i]);
    }
  }
}

TEST_F(Dropout, RefusesARateOfOne) {
  EXPECT_THROW(DropoutFactors<float>(pass_, "x", 1), base::InvariantViolation);
}

}  // namespace
}  // namespace moesim::model
