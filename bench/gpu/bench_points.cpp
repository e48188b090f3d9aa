// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/bench_points.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/rng.h"

namespace moesim::bench {
namespace {

constexpr double kPower = 1.2;

// The mean rows that goals are set for.
bool is_a_goal(int rows) { return rows == 64 || rows == 256 || rows == 1024; }

std::vector<double> log_weights(const BenchPoint& point) {
  std::vector<double> weights(static_cast<std::size_t>(point.shape.experts), 0.0);
  if (point.distribution != Distribution::power_law) return weights;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = -kPower * std::log(static_cast<double>(i + 1));
  }
  base::Rng rng(1, std::string("ranks of ") + point.shape.name);
  for (std::size_t i = weights.size(); i > 1; --i) std::swap(weights[i - 1], weights[rng.below(i)]);
  return weights;
}

void add_drawn(const std::vector<double>& weights, const BenchPoint& point,
               std::vector<std::int32_t>& choices) {
  base::Rng rng(1, point.file_name());
  std::vector<std::pair<double, std::int32_t>> scores(weights.size());
  for (int token = 0; token < point.tokens; ++token) {
    for (std::size_t e = 0; e < weights.size(); ++e) {
      const double gumbel = -std::log(-std::log(rng.uniform() + 0x1.0p-54));
      scores[e] = {-(weights[e] + gumbel), static_cast<std::int32_t>(e)};
    }
    const auto end = scores.begin() + point.shape.top_k;
    std::partial_sort(scores.begin(), end, scores.end());
    std::transform(scores.begin(), end, std::back_inserter(choices),
                   [](const auto& score) { return score.second; });
  }
}

}  // namespace

const char* name_of(Distribution distribution) {
  if (distribution == Distribution::balanced) return "balanced";
  return distribution == Distribution::multinomial ? "multinomial" : "power_law";
}

std::string BenchPoint::file_name() const {
  return std::string(shape.name) + "_" + std::to_string(mean_rows) + "_" + name_of(distribution) +
         ".i32";
}

bool BenchPoint::times_layer() const {
  const std::string name = shape.name;
  if (shape.top_k == 1) return false;
  return name == "qwen3_30b" || name == "mixtral" || is_a_goal(mean_rows);
}

std::vector<BenchPoint> bench_points(double most_flops) {
  std::vector<int> means(kMeanRows.begin(), kMeanRows.end());
  std::stable_partition(means.begin(), means.end(), is_a_goal);
  std::vector<BenchPoint> points;
  for (std::size_t i = 0; i < kShapes.size() * means.size() * kDistributions.size(); ++i) {
    const std::size_t of_shape = i % (means.size() * kDistributions.size());
    const LayerShape& shape = kShapes[i / (means.size() * kDistributions.size())];
    const int mean = means[of_shape / kDistributions.size()];
    const BenchPoint point{shape, mean, std::max(1, mean * shape.experts / shape.top_k),
                           kDistributions[of_shape % kDistributions.size()]};
    if (point.flops() <= most_flops) points.push_back(point);
  }
  return points;
}

std::vector<std::int32_t> expert_choices(const BenchPoint& point) {
  std::vector<std::int32_t> choices;
  choices.reserve(static_cast<std::size_t>(point.rows()));
  if (point.distribution == Distribution::balanced) {
    for (std::int64_t i = 0; i < point.rows(); ++i) {
      choices.push_back(static_cast<std::int32_t>(i % point.shape.experts));
    }
    return choices;
  }
  add_drawn(log_weights(point), point, choices);
  return choices;
}

std::vector<float> logits_for(const BenchPoint& point, const std::vector<std::int32_t>& choices) {
  const auto experts = static_cast<std::size_t>(point.shape.experts);
  const auto top_k = static_cast<std::size_t>(point.shape.top_k);
  std::vector<float> logits(static_cast<std::size_t>(point.tokens) * experts);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>(i % experts * 37 % 64) / 128.0F;
  }
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const float slot = static_cast<float>(i % top_k) / static_cast<float>(top_k);
    logits[i / top_k * experts + static_cast<std::size_t>(choices[i])] = 2 - slot;
  }
  return logits;
}

std::vector<double> routing_weights(int top_k) {
  std::vector<double> weights;
  double sum = 0;
  for (int slot = 0; slot < top_k; ++slot) {
    weights.push_back(std::exp(-static_cast<double>(slot) / top_k));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

RowOrder row_order(const BenchPoint& point, const std::vector<std::int32_t>& choices) {
  RowOrder order;
  order.first_row.assign(static_cast<std::size_t>(point.shape.experts) + 1, 0);
  for (const std::int32_t expert : choices) ++order.first_row[static_cast<std::size_t>(expert) + 1];
  std::partial_sum(order.first_row.begin(), order.first_row.end(), order.first_row.begin());
  std::vector<std::int32_t> next = order.first_row;
  order.token.resize(choices.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::int32_t row = next[static_cast<std::size_t>(choices[i])]++;
    order.token[static_cast<std::size_t>(row)] =
        static_cast<std::int32_t>(i / static_cast<std::size_t>(point.shape.top_k));
  }
  return order;
}

void write_points(const std::vector<BenchPoint>& points, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream lines(folder / "points.ndjson");
  for (const BenchPoint& point : points) {
    const std::vector<std::int32_t> choices = expert_choices(point);
    std::ofstream file(folder / point.file_name(), std::ios::binary);
    file.write(reinterpret_cast<const char*>(choices.data()),
               static_cast<std::streamsize>(choices.size() * sizeof(choices[0])));
    if (!file) throw base::Error(folder.string(), "cannot write " + point.file_name());
    lines << "{\"shape\": \"" << point.shape.name << "\", \"experts\": " << point.shape.experts
          << ", \"top_k\": " << point.shape.top_k << ", \"hidden\": " << point.shape.hidden
          << ", \"units\": " << point.shape.units << ", \"mean_rows\": " << point.mean_rows
          << ", \"tokens\": " << point.tokens << ", \"distribution\": \""
          << name_of(point.distribution) << "\", \"flops\": " << point.flops()
          << ", \"layer\": " << (point.times_layer() ? "true" : "false") << ", \"file\": \""
          << point.file_name() << "\"}\n";
  }
  lines.flush();
  if (!lines) throw base::Error(folder.string(), "cannot write points.ndjson");
}

}  // namespace moesim::bench
