// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/vector_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "base/rng.h"

namespace moesim::model {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLeastNormal = std::numeric_limits<float>::min();
constexpr float kLeastPositive = std::numeric_limits<float>::denorm_min();

struct Function {
  const char* name;
  void (*in_place)(float*, Index);
  double (*exact)(double);
};

void exp_of_negatives(float* x, Index n) {
  for (Index i = 0; i < n; ++i) x[i] = vector_math::exp_of_negative(-std::abs(x[i]));
}

// On [0, 1], wherever in its range x is.
double between_zero_and_one(double x) {
  const double part = std::abs(x - std::trunc(x));
  return std::isinf(x) ? 0 : part;
}

void log_one_plus_of_fractions(float* x, Index n) {
  for (Index i = 0; i < n; ++i) {
    x[i] = vector_math::log_one_plus(static_cast<float>(between_zero_and_one(x[i])));
  }
}

// Of what is a normal number, else of 1.
double positive_normal(double x) {
  const double size = std::abs(x);
  return size < kLeastNormal ? 1 : size;
}

void logs(float* x, Index n) {
  for (Index i = 0; i < n; ++i) {
    x[i] = vector_math::log_value(static_cast<float>(positive_normal(x[i])));
  }
}

const Function kFunctions[] = {
    {"exp", exp_in_place<float>, [](double x) { return std::exp(x); }},
    {"exp of negative", exp_of_negatives, [](double x) { return std::exp(-std::abs(x)); }},
    {"sigmoid", sigmoid_in_place<float>, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"tanh", tanh_in_place<float>, [](double x) { return std::tanh(x); }},
    {"erf", erf_in_place<float>, [](double x) { return std::erf(x); }},
    {"log(1 + x)", log_one_plus_of_fractions,
     [](double x) { return std::log1p(between_zero_and_one(x)); }},
    {"log", logs, [](double x) { return std::log(positive_normal(x)); }},
};

// Floats from all over their range: every 20011th bit pattern, which visits each exponent some 400
// times, and a dense row of those where the functions bend.
std::vector<float> arguments() {
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits < (1ULL << 32); bits += 20011) {
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  for (float x = -110; x < 110; x += 0.0037F) values.push_back(x);
  for (float x = -5; x < 5; x += 0.00037F) values.push_back(x);
  return values;
}

// A relative error of 2e-7; a result below the normal numbers may also be 0.
void expect_close(float result, double exact, float x) {
  if (std::isnan(x)) {
    EXPECT_TRUE(std::isnan(result));
    return;
  }
  const auto nearest = static_cast<float>(exact);
  if (std::isinf(nearest) || std::isinf(result)) {
    EXPECT_EQ(result, nearest) << "of " << x;
    return;
  }
  const double allowed =
      std::abs(exact) < kLeastNormal ? 1.01 * kLeastPositive : 2e-7 * std::abs(exact);
  const bool vanishes = result == 0 && std::abs(exact) < kLeastNormal;
  EXPECT_TRUE(vanishes || std::abs(result - exact) <= allowed) << result << " of " << x;
}

TEST(VectorMath, IsRightToFloatRoundingEverywhere) {
  const std::vector<float> x = arguments();
  for (const Function& function : kFunctions) {
    SCOPED_TRACE(function.name);
    std::vector<float> y = x;
    function.in_place(y.data(), static_cast<Index>(y.size()));
    for (std::size_t i = 0; i < x.size() && !testing::Test::HasFailure(); ++i) {
      expect_close(y[i], function.exact(x[i]), x[i]);
    }
  }
}

TEST(VectorMath, KnowsTheEndsOfTheRange) {
  float exps[] = {-kInfinity, kInfinity, 0, -104, 89, 88.7F, -0.0F};
  exp_in_place(exps, 7);
  EXPECT_EQ(exps[0], 0);
  EXPECT_EQ(exps[1], kInfinity);
  EXPECT_EQ(exps[2], 1);
  EXPECT_EQ(exps[3], 0);
  EXPECT_EQ(exps[4], kInfinity);
  EXPECT_LT(exps[5], kInfinity);
  EXPECT_EQ(exps[6], 1);
  float odd[] = {-kInfinity, kInfinity, 0};
  tanh_in_place(odd, 3);
  EXPECT_EQ(odd[0], -1);
  EXPECT_EQ(odd[1], 1);
  EXPECT_EQ(odd[2], 0);
  float sigmoids[] = {-kInfinity, kInfinity, 0};
  sigmoid_in_place(sigmoids, 3);
  EXPECT_EQ(sigmoids[0], 0);
  EXPECT_EQ(sigmoids[1], 1);
  EXPECT_EQ(sigmoids[2], 0.5);
}

// The same number at every place of arrays of every length up to four vectors.
TEST(VectorMath, DoesNotDependOnThePlace) {
  base::Rng rng(1, "vector math");
  for (const Function& function : kFunctions) {
    for (int length = 1; length <= 33; ++length) {
      const auto value = static_cast<float>(3 * rng.normal());
      float alone = value;
      function.in_place(&alone, 1);
      std::vector<float> many(length, value);
      function.in_place(many.data(), length);
      for (const float result : many) ASSERT_EQ(result, alone) << function.name;
    }
  }
}

TEST(VectorMath, DoubleIsTheStandardLibrarys) {
  double x[] = {-2, 0.3, 700};
  exp_in_place(x, 3);
  EXPECT_EQ(x[0], std::exp(-2.0));
  EXPECT_EQ(x[2], std::exp(700.0));
  double y[] = {-800, 0.3, 40};
  sigmoid_in_place(y, 3);
  EXPECT_EQ(y[0], 0);
  EXPECT_NEAR(y[1], 1 / (1 + std::exp(-0.3)), 1e-16);
  EXPECT_EQ(y[2], 1);
}

template <class S>
void expect_row_reductions() {
  base::Rng rng(2, "vector math");
  for (Index length = 0; length <= 70; ++length) {
    std::vector<S> x(length);
    std::vector<S> y(length);
    double sum = 0;
    double dot = 0;
    S largest = -std::numeric_limits<S>::infinity();
    for (Index i = 0; i < length; ++i) {
      x[i] = static_cast<S>(rng.normal());
      y[i] = static_cast<S>(rng.normal());
      sum += x[i];
      dot += static_cast<double>(x[i]) * y[i];
      largest = std::max(largest, x[i]);
    }
    const double error = 100 * std::numeric_limits<S>::epsilon();
    EXPECT_NEAR(row_sum(x.data(), length), sum, error);
    EXPECT_NEAR(row_dot(x.data(), y.data(), length), dot, error);
    EXPECT_EQ(row_max(x.data(), length), largest);
  }
}

TEST(VectorMath, ReducesRowsOfAnyLength) {
  expect_row_reductions<float>();
  expect_row_reductions<double>();
}

// e^0 : e^ln2 : e^ln5 = 1 : 2 : 5; the sum's logarithm is ln 8. A shift by 1000 changes no share.
TEST(VectorMath, SoftmaxSharesByExponentials) {
  for (const double shift : {0.0, 1000.0, -1000.0}) {
    double x[] = {shift, shift + std::log(2.0), shift + std::log(5.0)};
    EXPECT_NEAR(softmax_in_place(x, 3), shift + std::log(8.0), 1e-12);
    EXPECT_NEAR(x[0], 1.0 / 8, 1e-13);
    EXPECT_NEAR(x[1], 2.0 / 8, 1e-13);
    EXPECT_NEAR(x[2], 5.0 / 8, 1e-13);
  }
  float masked[] = {1, -kInfinity, 1};
  softmax_in_place(masked, 3);
  EXPECT_EQ(masked[0], 0.5);
  EXPECT_EQ(masked[1], 0);
}

}  // namespace
}  // namespace moesim::model
