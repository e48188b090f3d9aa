// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace moesim::model {
namespace {

using Rows = Matrix<double>;
using Places = std::vector<std::int32_t>;

class CpuBackend : public testing::Test {
 protected:
  base::ThreadPool threads_{2};
  std::unique_ptr<Backend<double>> backend_ = make_cpu_backend<double>(threads_);
};

Rows random_rows(Index rows, Index cols, base::Rng& rng) {
  Rows matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = rng.normal();
  return matrix;
}

TEST_F(CpuBackend, Multiplies) {
  base::Rng rng(1, "backend");
  const Rows a = random_rows(70, 40, rng);
  const Rows b = random_rows(50, 40, rng);
  const Rows bias = random_rows(1, 50, rng);
  Rows c(70, 50);
  Product<double> product{70, 50, 40, operand(a), transposed(b), c.data(), 50};
  product.bias = bias.data();
  backend_->multiply(product);
  EXPECT_LT((c - ((a * b.transpose()).rowwise() + bias.row(0))).norm(), 1e-14 * c.norm());
}

// Three experts with 100, 0 and 30 rows.
TEST_F(CpuBackend, MultipliesManyAtOnce) {
  base::Rng rng(2, "backend");
  const Rows a = random_rows(130, 20, rng);
  const Rows weights = random_rows(90, 20, rng);
  Rows c = Rows::Ones(130, 30);
  std::vector<Product<double>> products;
  const Index first[] = {0, 100, 100, 130};
  for (Index e = 0; e < 3; ++e) {
    const Rows& w = weights;
    products.push_back({first[e + 1] - first[e],
                        30,
                        20,
                        {a.data() + first[e] * 20, 20, 1},
                        Operand<double>{w.data() + e * 30 * 20, 20, 1}.transposed(),
                        c.data() + first[e] * 30,
                        30});
    products.back().accumulate = true;
  }
  backend_->grouped_multiply(products);
  Rows expected = Rows::Ones(130, 30);
  expected.topRows(100) += a.topRows(100) * weights.topRows(30).transpose();
  expected.bottomRows(30) += a.bottomRows(30) * weights.bottomRows(30).transpose();
  EXPECT_LT((c - expected).norm(), 1e-14 * c.norm());
}

TEST_F(CpuBackend, SelectsForEveryToken) {
  base::Rng rng(3, "backend");
  const Rows scores = random_rows(300, 10, rng);
  Selection<double> selection{scores.data(), 300, 10};
  Places experts(300);
  backend_->select(selection, experts.data());
  for (Index t = 0; t < 300; ++t) {
    Index best = 0;
    scores.row(t).maxCoeff(&best);
    ASSERT_EQ(experts[t], best);
  }
}

TEST_F(CpuBackend, PermutesRows) {
  const Rows from{{1, 2, 3}, {4, 5, 6}};
  Rows to(3, 3);
  const RowMove<double> rows{from.data(), to.data(), 3};
  backend_->permute(rows, Places{1, 0, 1}, nullptr);
  EXPECT_EQ(to, (Rows{{4, 5, 6}, {1, 2, 3}, {4, 5, 6}}));
  const double weights[] = {1, 2, -1};
  backend_->permute(rows, Places{1, 0, 1}, weights);
  EXPECT_EQ(to, (Rows{{4, 5, 6}, {2, 4, 6}, {-4, -5, -6}}));
}

TEST_F(CpuBackend, CombinesTheSlotsOfEachToken) {
  const Rows from{{1, 10}, {2, 20}, {3, 30}};
  Rows to = Rows::Ones(3, 2);
  const RowMove<double> rows{from.data(), to.data(), 2};
  const Places places{0, 2, -1, 1, -1, -1};
  backend_->combine(rows, places, 2, nullptr, false);
  EXPECT_EQ(to, (Rows{{4, 40}, {2, 20}, {0, 0}}));
  const double weights[] = {0.5, 2, 7, 3, 7, 7};
  backend_->combine(rows, places, 2, weights, true);
  EXPECT_EQ(to, (Rows{{4 + 6.5, 40 + 65}, {2 + 6, 20 + 60}, {0, 0}}));
}

// What permute scatters to the experts' order, combine brings back: 500 tokens in 8 pieces.
TEST_F(CpuBackend, CombineUndoesPermute) {
  base::Rng rng(4, "backend");
  const Rows x = random_rows(500, 7, rng);
  Places source(500);
  Places place(500);
  for (int i = 0; i < 500; ++i) {
    source[i] = (i * 7) % 500;
    place[source[i]] = i;
  }
  Rows moved(500, 7);
  Rows back(500, 7);
  backend_->permute({x.data(), moved.data(), 7}, source, nullptr);
  EXPECT_EQ(moved.row(3), x.row(21));
  backend_->combine({moved.data(), back.data(), 7}, place, 1, nullptr, false);
  EXPECT_EQ(back, x);
}

TEST_F(CpuBackend, DoesNothingToNothing) {
  backend_->permute({}, {}, nullptr);
  backend_->combine({}, {}, 2, nullptr, false);
  backend_->select({nullptr, 0, 4, 2}, nullptr);
  backend_->grouped_multiply({});
}

template <class S>
Matrix<S> moved_and_multiplied(int count) {
  base::ThreadPool threads(count);
  const auto backend = make_cpu_backend<S>(threads);
  base::Rng rng(5, "backend");
  const Matrix<S> x = random_rows(600, 33, rng).cast<S>();
  const Matrix<S> weights = random_rows(600, 3, rng).cast<S>();
  Places place(1800);
  for (std::int32_t& at : place) at = static_cast<std::int32_t>(rng.below(601)) - 1;
  Matrix<S> combined(600, 33);
  Matrix<S> gram(33, 33);
  backend->combine({x.data(), combined.data(), 33}, place, 3, weights.data(), false);
  backend->multiply({33, 33, 600, transposed(combined), operand(combined), gram.data(), 33});
  return gram;
}

TEST(CpuBackendThreads, DoNotChangeABit) {
  const Matrix<float> one = moved_and_multiplied<float>(1);
  EXPECT_EQ(one, moved_and_multiplied<float>(2));
  EXPECT_EQ(one, moved_and_multiplied<float>(4));
  EXPECT_EQ(moved_and_multiplied<double>(1), moved_and_multiplied<double>(4));
}

}  // namespace
}  // namespace moesim::model
