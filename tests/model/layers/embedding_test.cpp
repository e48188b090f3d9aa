// SPDX-License-Identifier: Apache-2.0
#include "model/layers/embedding.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/cpu/cpu_backend.h"
#include "tests/model/layers/central_difference.h"

namespace moesim::model {
namespace {

class Embedding : public testing::Test {
 protected:
  base::ThreadPool threads_{2};
  std::unique_ptr<Backend<double>> backend_ = make_cpu_backend<double>(threads_);
  Pass<double> pass_{*backend_, threads_};
  // The vector of byte b is (b, 1000 + b), that of position p (10000 p, 0); two positions.
  EmbeddingWeights<double> weights_;

  void SetUp() override {
    weights_.token.resize(256, 2);
    for (Index b = 0; b < 256; ++b) weights_.token.row(b) << double(b), 1000.0 + double(b);
    weights_.position = Matrix<double>{{0, 0}, {10000, 0}};
  }
};

TEST_F(Embedding, AddsTokenAndPosition) {
  const std::vector<std::uint8_t> bytes{7, 255, 0};
  Matrix<double> rows;
  embed(weights_, pass_, bytes, rows);
  EXPECT_EQ(rows, (Matrix<double>{{7, 1007}, {10255, 1255}, {0, 1000}}));
}

// Byte 7 is seen at tokens 0 and 2, both at position 0; byte 9 at token 1, position 1.
TEST_F(Embedding, GradientGoesToTheTokensSeen) {
  const std::vector<std::uint8_t> bytes{7, 9, 7};
  const Matrix<double> d_rows{{1, 2}, {10, 20}, {100, 200}};
  EmbeddingWeights<double> gradient{Matrix<double>::Ones(256, 2), Matrix<double>::Ones(2, 2)};
  EmbeddingBackward<double>{pass_}.run(bytes, d_rows, gradient);
  EXPECT_EQ(gradient.position, (Matrix<double>{{101, 202}, {10, 20}}));
  Matrix<double> token = Matrix<double>::Zero(256, 2);
  token.row(7) << 101, 202;
  token.row(9) << 10, 20;
  EXPECT_EQ(gradient.token, token);

  EmbeddingBackward<double>{pass_, true}.run(bytes, d_rows, gradient);
  EXPECT_EQ(gradient.token, 2 * token) << "the token's is added to when asked";
  EXPECT_EQ(gradient.position, (Matrix<double>{{101, 202}, {10, 20}}));

  pass_.add_gradients = true;
  EmbeddingBackward<double>{pass_}.run(bytes, d_rows, gradient);
  EXPECT_EQ(gradient.token, 3 * token);
  EXPECT_EQ(gradient.position, (Matrix<double>{{202, 404}, {20, 40}}));
}

TEST_F(Embedding, GradientEqualsCentralDifferences) {
  base::Rng rng(1, "embedding");
  EmbeddingWeights<double> weights{random_matrix(256, 37, rng), random_matrix(3, 37, rng)};
  const std::vector<std::uint8_t> bytes{4, 200, 4, 4, 8};
  const Matrix<double> d_rows = random_matrix(5, 37, rng);
  Matrix<double> rows;
  const auto loss = [&] {
    embed(weights, pass_, bytes, rows);
    return weighted_sum(rows, d_rows);
  };
  EmbeddingWeights<double> gradient{Matrix<double>(256, 37), Matrix<double>(3, 37)};
  EmbeddingBackward<double>{pass_}.run(bytes, d_rows, gradient);
  expect_slopes(weights.token, gradient.token, loss);
  expect_slopes(weights.position, gradient.position, loss);
}

}  // namespace
}  // namespace moesim::model
