// SPDX-License-Identifier: Apache-2.0
#include "model/layers/linear.h"

#include <gtest/gtest.h>

#include "model/cpu/cpu_backend.h"
#include "tests/model/layers/central_difference.h"

namespace moesim::model {
namespace {

class LinearLayer : public testing::Test {
 protected:
  base::ThreadPool threads_{2};
  std::unique_ptr<Backend<double>> backend_ = make_cpu_backend<double>(threads_);
  Pass<double> pass_{*backend_, threads_};
};

// Outputs 1 x 3 + 2 x 4 + 10 = 21 and -3 + 4 + 20 = 21.
TEST_F(LinearLayer, MultipliesByTheTransposeAndAddsTheBias) {
  const LinearWeights<double> weights{Matrix<double>{{1, 2}, {-1, 1}}, Matrix<double>{{10, 20}}};
  Matrix<double> y;
  Linear<double>{weights, pass_}.forward(Matrix<double>{{3, 4}}, y);
  EXPECT_EQ(y, (Matrix<double>{{21, 21}}));
  Linear<double>{{weights.weight, {}}, pass_}.forward(Matrix<double>{{3, 4}}, y);
  EXPECT_EQ(y, (Matrix<double>{{11, 1}}));
}

TEST_F(LinearLayer, GradientEqualsCentralDifferences) {
  base::Rng rng(1, "linear");
  LinearWeights<double> weights{random_matrix(5, 3, rng), random_matrix(1, 5, rng)};
  Matrix<double> x = random_matrix(40, 3, rng);
  const Matrix<double> dy = random_matrix(40, 5, rng);
  Matrix<double> y;
  const auto loss = [&] {
    Linear<double>{weights, pass_}.forward(x, y);
    return weighted_sum(y, dy);
  };
  LinearWeights<double> gradient;
  Matrix<double> dx;
  Linear<double>{weights, pass_}.backward(x, dy, gradient, dx);
  expect_slopes(x, dx, loss);
  expect_slopes(weights.weight, gradient.weight, loss);
  expect_slopes(weights.bias, gradient.bias, loss);
}

TEST_F(LinearLayer, AddsWhereAsked) {
  const LinearWeights<double> weights{Matrix<double>{{2, 3}}, Matrix<double>{{1}}};
  const Matrix<double> x{{5, 7}};
  const Matrix<double> dy{{10}};
  LinearWeights<double> gradient{Matrix<double>{{1, 1}}, Matrix<double>{{1}}};
  Matrix<double> dx{{100, 200}};
  Linear<double>{weights, pass_}.backward(x, dy, gradient, dx);
  EXPECT_EQ(dx, (Matrix<double>{{120, 230}})) << "a gradient that is there is added to";
  EXPECT_EQ(gradient.weight, (Matrix<double>{{50, 70}})) << "the weights' is written";
  EXPECT_EQ(gradient.bias, (Matrix<double>{{10}}));
  pass_.add_gradients = true;
  Linear<double>{weights, pass_}.backward(x, dy, gradient, dx);
  EXPECT_EQ(gradient.weight, (Matrix<double>{{100, 140}}));
  EXPECT_EQ(gradient.bias, (Matrix<double>{{20}}));
}

TEST_F(LinearLayer, HasNoBiasGradientWithoutABias) {
  LinearWeights<double> gradient;
  Matrix<double> dx;
  Linear<double>{{Matrix<double>{{2}}, {}}, pass_}.backward(Matrix<double>{{1}},
                                                            Matrix<double>{{1}}, gradient, dx);
  EXPECT_EQ(gradient.bias.size(), 0);
  EXPECT_EQ(dx, (Matrix<double>{{2}}));
}

}  // namespace
}  // namespace moesim::model
