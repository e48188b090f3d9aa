// SPDX-License-Identifier: Apache-2.0
#include "model/router/sinkhorn.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

Matrix<double> balanced(const Matrix<double>& logits, int iterations) {
  RouterFixture<double> fixture;
  return sinkhorn_logits(fixture.make_pass(), logits, iterations);
}

// exp(logits) = (3, 1; 1, 1). One round: rows over their sums, (3/4, 1/4; 1/2, 1/2), columns to 1:
// times 1 / (5/4) = 4/5 and 1 / (3/4) = 4/3. Their logarithms are added to the logits.
TEST(Sinkhorn, OneRoundWorkedByHand) {
  Matrix<double> logits(2, 2);
  logits << std::log(3.0), 0, 0, 0;
  const Matrix<double> result = balanced(logits, 1);
  EXPECT_NEAR(result(0, 0), std::log(3.0 * 4 / 5), 1e-14);
  EXPECT_NEAR(result(0, 1), std::log(4.0 / 3), 1e-14);
  EXPECT_NEAR(result(1, 0), std::log(4.0 / 5), 1e-14);
  EXPECT_NEAR(result(1, 1), std::log(4.0 / 3), 1e-14);
}

// After many rounds, rows scaled to 1, each of the columns sums to tokens / experts.
TEST(Sinkhorn, EveryExpertReceivesTheSame) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Rng rng(seed, "sinkhorn");
    const Index tokens = 1 + static_cast<Index>(rng.below(80));
    const Index experts = 1 + static_cast<Index>(rng.below(10));
    Matrix<double> shares = balanced(random_matrix<double>(tokens, experts, rng), 300);
    for (Index t = 0; t < tokens; ++t) {
      shares.row(t) = (shares.row(t).array() - shares.row(t).maxCoeff()).exp();
      shares.row(t) /= shares.row(t).sum();
    }
    for (Index e = 0; e < experts; ++e) {
      EXPECT_NEAR(shares.col(e).sum(), static_cast<double>(tokens) / static_cast<double>(experts),
                  1e-6 * static_cast<double>(tokens))
          << "seed " << seed;
    }
  }
}

// Expert 1 is out of reach of every token; e^-2000 underflows, and its bias must stay finite.
TEST(Sinkhorn, AnUnreachableExpertGetsAFiniteBias) {
  Matrix<double> logits(3, 2);
  logits << 1000, -1000, 1000, -1000, 1000, -1000;
  EXPECT_TRUE(balanced(logits, 20).allFinite());
}

TEST(Sinkhorn, IsTheSameForAnyNumberOfThreads) {
  base::Rng rng(5, "sinkhorn");
  const Matrix<float> logits = random_matrix<float>(333, 7, rng);
  RouterFixture<float> one(1);
  RouterFixture<float> four(4);
  EXPECT_EQ(sinkhorn_logits(one.make_pass(), logits, 8),
            sinkhorn_logits(four.make_pass(), logits, 8));
}

}  // namespace
}  // namespace moesim::model
